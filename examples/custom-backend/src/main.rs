//! The Lambda function `forge-key-rotator`. Its variables are in [`custom_backend::from_variables`].

fn main() -> Result<(), rotation_lambda::Error> {
    let backend = custom_backend::from_variables(|name| std::env::var(name).ok())?;
    rotation_lambda::run(backend)
}
