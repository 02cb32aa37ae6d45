//! A Lambda function that rotates PostgreSQL passwords. What it reads from its environment is in the
//! library beside it, how it is deployed in the README.

use postgres_lambda::{Strategy, environment, strategy};

fn main() -> Result<(), rotation_lambda::Error> {
    match strategy(environment)? {
        Strategy::SingleUser(backend) => rotation_lambda::run(backend),
        Strategy::AlternatingUsers(backend) => rotation_lambda::run(backend),
    }
}
