//! What may stand in headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

/// Whether only the transport may set this header.
pub(crate) fn is_transports(name: &HeaderName) -> bool {
    [
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "upgrade",
    ]
    .contains(&name.as_str())
}

/// The text as a header's value, if it is printable ASCII.
pub(crate) fn header_value(text: &str) -> Option<HeaderValue> {
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    HeaderValue::from_str(text).ok().filter(|_| printable)
}

/// The value of `authorization` for basic authentication (RFC 7617), or what is wrong with the user name.
pub(crate) fn basic(user: &str, password: &str) -> Result<HeaderValue, &'static str> {
    if user.contains(':') {
        return Err("holds a colon, which basic authentication cannot send; correct it");
    }
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
    let mut value = HeaderValue::from_str(&text).map_err(|_| "cannot be sent; correct it")?;
    value.set_sensitive(true);
    Ok(value)
}
