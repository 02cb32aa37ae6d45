//! Everything between a rotation and the application: the simulator, the built function, a double of SNS and
//! SQS, the consumer.

pub(crate) mod api_key;
pub(crate) mod messaging;
pub(crate) mod relay;
