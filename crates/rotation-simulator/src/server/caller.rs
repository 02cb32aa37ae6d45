//! Who calls: the rotation function or anybody else.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::wire::Wire;
use crate::model::{Principal, PutSecretValue, Request, UpdateSecretVersionStage};
use crate::simulator::Simulator;

/// The access key id that a request is signed with. The signature itself is not looked at.
pub(super) fn access_key(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=")?;
    let (key, _) = credential.split_once('/')?;
    Some(key)
}

/// Who sends a request that is signed with this access key.
///
/// Where the function has a key of its own, the key decides. Where it has none, a write that names
/// the version of the rotation under way, or has its RotationToken, is the function's.
pub(super) fn principal<R: Wire>(
    simulator: &Simulator,
    function_key: Option<&str>,
    key: Option<&str>,
    request: &R,
) -> Principal {
    let is_function = match function_key {
        Some(function_key) => key == Some(function_key),
        None => names_rotation(simulator, request),
    };
    if is_function {
        Principal::RotationFunction
    } else {
        Principal::Operator
    }
}

fn names_rotation<R: Wire>(simulator: &Simulator, request: &R) -> bool {
    if ![PutSecretValue::ACTION, UpdateSecretVersionStage::ACTION].contains(&R::ACTION) {
        return false;
    }
    let asked = request.asked();
    let named = [asked.version, asked.remove_from];
    simulator.model().is_under_way(
        request.secret_id(),
        |token| named.contains(&Some(token)),
        request.proof(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_access_key_is_read_from_the_signature_header() {
        let rows = [
            (
                "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0",
                Some("AKID"),
            ),
            (
                "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=AKID/x",
                Some("AKID"),
            ),
            ("Bearer abc", None),
            ("AWS4-HMAC-SHA256 Credential=AKID", None),
        ];
        for (header, expected) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            assert_eq!(access_key(&headers), expected, "{header}");
        }
        assert_eq!(access_key(&HeaderMap::new()), None);
    }
}
