//! The backend that the function's environment describes.

use std::io;

use rotation_http::serde_json::json;
use rotation_http::{Admin, AdminAuth, AllowedHosts, HttpBackend, Provider, ProviderError, Request};
use rotation_lambda::Error;

/// The backend, from the variables that `lookup` finds and the file that `read` reads. A variable that is
/// empty counts as not set.
pub(crate) fn backend(
    lookup: impl Fn(&str) -> Option<String>,
    read: impl Fn(&str) -> io::Result<String>,
) -> Result<HttpBackend, Error> {
    let variable = |name| lookup(name).filter(|value| !value.is_empty());
    let admin = admin(variable("ADMIN_TOKEN"), variable("ADMIN_SECRET_ARN"))?;
    let hosts = hosts(variable("ALLOWED_API_HOSTS"))?;
    let provider = match variable("PROVIDER_FILE") {
        Some(path) => described(&path, read)?,
        None => provider()?,
    };
    Ok(HttpBackend::new(provider, admin, hosts)?)
}

/// The provider that this file describes.
fn described(path: &str, read: impl Fn(&str) -> io::Result<String>) -> Result<Provider, Error> {
    let text = read(path).map_err(|error| {
        Error::new(format!(
            "PROVIDER_FILE names {path:?}, which cannot be read ({error}); put the file into the function's package, which is /var/task, or a layer, /opt"
        ))
    })?;
    Provider::from_json(&text).map_err(|error| {
        Error::new(format!(
            "PROVIDER_FILE names {path:?}, which cannot be used: {error}"
        ))
    })
}

/// The provider's requests, where no file describes them. It may do without ids, a listing and revocation:
/// `HttpBackend` says what is then kept and left behind.
fn provider() -> Result<Provider, ProviderError> {
    let key = json!({"account_id": "{secret.account_id}", "label": "{label}"});
    Provider::builder()
        .base_url("{secret.api_endpoint}")
        .admin(AdminAuth::header("x-admin-token"))
        .create(Request::post("/api-keys").json(key))
        .key_at("/key")
        .id_where_given("/id")
        .list_where_supported(Request::get("/api-keys"))
        .items_at("/keys")
        .item_id_at("/id")
        .item_label_at("/label")
        .verify(Request::get("/health").header("authorization", "Bearer {key}"))
        .revoke_where_supported(Request::delete("/api-keys/{id}"))
        .build()
}

fn admin(token: Option<String>, secret_arn: Option<String>) -> Result<Admin, Error> {
    match (token, secret_arn) {
        (Some(token), None) => Ok(Admin::given(token)),
        (None, Some(arn)) => Ok(Admin::secret(arn)),
        (None, None) => Err(Error::new(
            "neither ADMIN_SECRET_ARN nor ADMIN_TOKEN is set; set ADMIN_SECRET_ARN to the ARN of the secret that holds the provider's admin token, or ADMIN_TOKEN to the token itself",
        )),
        (Some(_), Some(_)) => Err(Error::new(
            "ADMIN_SECRET_ARN and ADMIN_TOKEN are both set, and only one can hold; remove ADMIN_TOKEN, unless the token is in no secret",
        )),
    }
}

/// The hosts that requests may go to. Plain http is possible to those that are this machine.
fn hosts(list: Option<String>) -> Result<AllowedHosts, Error> {
    let wrong = |why: &str| Error::new(format!("ALLOWED_API_HOSTS {why}"));
    let list = list.ok_or_else(|| {
        wrong("is not set; set it to the host of api_endpoint, such as api.vendor.com, or to several with commas between them")
    })?;
    let hosts = AllowedHosts::new(list.split(',').map(str::trim));
    let hosts = hosts.map_err(|error| wrong(&format!("cannot be used: {error}")))?;
    Ok(hosts.allow_plain_http_on_loopback())
}

#[cfg(test)]
mod tests {
    use rotation_http::vendors;

    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:vendor-admin-abc123";
    const TOKEN: (&str, &str) = ("ADMIN_TOKEN", "SENTINEL");
    const SECRET: (&str, &str) = ("ADMIN_SECRET_ARN", ARN);
    const SENDGRID: (&str, &str) = ("ALLOWED_API_HOSTS", "api.sendgrid.com");
    const HOSTS: (&str, &str) = ("ALLOWED_API_HOSTS", "api.vendor.com");

    fn built(variables: &[(&str, &str)]) -> Result<String, String> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let read = |path: &str| match path {
            "/opt/sendgrid.json" => Ok(vendors::SENDGRID.to_owned()),
            "/opt/wrong.json" => Ok(vendors::SENDGRID.replace("POST", "SENTINEL")),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        let backend = backend(lookup, read);
        backend
            .map(|backend| format!("{backend:?}"))
            .map_err(|error| format!("{error} {error:?}"))
    }

    #[test]
    fn what_is_set_is_used_and_no_token_is_printed() {
        for (variables, parts) in [
            (&[TOKEN, HOSTS][..], &["given", "x-admin-token"][..]),
            (&[SECRET, HOSTS], &[ARN, "x-admin-token"]),
            (&[SECRET, HOSTS, ("ADMIN_TOKEN", "")], &[ARN]),
            (&[TOKEN, HOSTS, ("ADMIN_SECRET_ARN", "")], &["given"]),
            (&[TOKEN, HOSTS, ("PROVIDER_FILE", "")], &["x-admin-token"]),
            (
                &[SECRET, SENDGRID, ("PROVIDER_FILE", "/opt/sendgrid.json")],
                &["POST /v3/api_keys", "Bearer ", "api.sendgrid.com"],
            ),
            (
                &[TOKEN, ("ALLOWED_API_HOSTS", " api.vendor.com , 127.0.0.1:8080 ")],
                &["api.vendor.com", "127.0.0.1", "8080", "plain_loopback: true"],
            ),
        ] {
            let text = built(variables).unwrap();
            assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
            assert!(!text.contains("SENTINEL"), "{text}");
        }
    }

    #[test]
    fn errors_name_the_variables_and_what_to_do() {
        let hosts = |list| [TOKEN, ("ALLOWED_API_HOSTS", list)];
        for (variables, parts) in [
            (&[HOSTS][..], &["ADMIN_TOKEN", "ADMIN_SECRET_ARN", "neither"][..]),
            (
                &[HOSTS, ("ADMIN_TOKEN", "")],
                &["ADMIN_TOKEN", "ADMIN_SECRET_ARN"],
            ),
            (
                &[TOKEN, SECRET, HOSTS],
                &["ADMIN_TOKEN", "ADMIN_SECRET_ARN", "both"],
            ),
            (&[TOKEN], &["ALLOWED_API_HOSTS", "is not set"]),
            (&hosts(""), &["ALLOWED_API_HOSTS", "is not set"]),
            (&hosts("api.vendor.com,"), &["ALLOWED_API_HOSTS", "is not a host"]),
            (
                &hosts("https://api.vendor.com/v1"),
                &["ALLOWED_API_HOSTS", "HOST:PORT"],
            ),
            (&hosts("*.vendor.com"), &["ALLOWED_API_HOSTS", "whole name"]),
            (&hosts("169.254.169.254"), &["ALLOWED_API_HOSTS", "metadata"]),
            (
                &[TOKEN, HOSTS, ("PROVIDER_FILE", "/opt/missing.json")],
                &["PROVIDER_FILE", "/opt/missing.json", "/var/task"],
            ),
            (
                &[TOKEN, HOSTS, ("PROVIDER_FILE", "/opt/wrong.json")],
                &["PROVIDER_FILE", "create.method"],
            ),
            (
                &[TOKEN, HOSTS, ("PROVIDER_FILE", "/opt/sendgrid.json")],
                &["base_url", "api.sendgrid.com", "not on the list"],
            ),
        ] {
            let error = built(variables).unwrap_err();
            assert!(
                parts.iter().all(|part| error.contains(part)),
                "{parts:?}: {error}"
            );
            assert!(error.contains(';') && !error.contains("SENTINEL"), "{error}");
        }
    }
}
