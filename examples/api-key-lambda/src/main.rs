//! A Lambda function that rotates the API key of an HTTP provider. What it reads from its environment
//! is in [`config`], how it is deployed in the README.

mod config;

fn main() -> Result<(), rotation_lambda::Error> {
    let lookup = |name: &str| {
        let value = std::env::var_os(name)?;
        Some(value.to_string_lossy().into_owned())
    };
    let backend = config::backend(lookup, |path| std::fs::read_to_string(path))?;
    rotation_lambda::run(backend)
}
