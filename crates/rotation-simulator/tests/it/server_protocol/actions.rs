//! What each action answers when all is well: names, types, and what is left out.

use rotation_simulator::Simulator;
use serde_json::{Value, json};

use crate::client::{Client, token};

/// 2026-01-01T00:00:00Z, where a manual clock stands.
const NOW: f64 = 1_767_225_600.0;

/// A server with the secret `crm`, and its ARN.
macro_rules! start {
    ($server:ident, $client:ident, $arn:ident) => {
        let simulator = Simulator::new();
        let $server = simulator.serve().await.unwrap();
        let $client = Client::new($server.address());
        let created = $client.ok("CreateSecret", crm()).await;
        let $arn = created["ARN"].as_str().unwrap().to_owned();
    };
}

fn crm() -> Value {
    json!({"Name": "crm", "SecretString": "v1", "ClientRequestToken": token("one")})
}

#[tokio::test]
async fn the_head_of_a_reply_is_the_services() {
    start!(server, client, _arn);
    let reply = client.call("DescribeSecret", json!({"SecretId": "crm"})).await;
    assert_eq!(reply.headers["content-type"], "application/x-amz-json-1.1");
    assert_eq!(reply.headers["x-amzn-requestid"].len(), 36);
    let other = client.call("DescribeSecret", json!({"SecretId": "crm"})).await;
    assert_ne!(
        other.headers["x-amzn-requestid"],
        reply.headers["x-amzn-requestid"]
    );
    assert_eq!(server.endpoint_url(), format!("http://{}", server.address()));
}

#[tokio::test]
async fn create_secret() {
    start!(_server, client, arn);
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:111122223333:secret:crm-"));
    let again = client.ok("CreateSecret", crm()).await;
    assert_eq!(
        again,
        json!({"ARN": arn, "Name": "crm", "VersionId": token("one")})
    );
    let body = json!({
        "Name": "full",
        "ClientRequestToken": token("one"),
        "Description": "d",
        "KmsKeyId": "alias/k",
        "Tags": [{"Key": "team", "Value": "sales"}],
        "AddReplicaRegions": [{"Region": "us-east-1", "KmsKeyId": "alias/k"}],
        "ForceOverwriteReplicaSecret": true,
    });
    let mut created = client.ok("CreateSecret", body).await;
    let arn = created.as_object_mut().unwrap().remove("ARN").unwrap();
    assert_eq!(
        created,
        json!({"Name": "full", "ReplicationStatus": [{"Region": "us-east-1", "Status": "InProgress"}]})
    );
    assert_eq!(
        client.ok("DescribeSecret", json!({"SecretId": arn})).await,
        json!({
            "ARN": arn,
            "Name": "full",
            "Description": "d",
            "KmsKeyId": "alias/k",
            "Tags": [{"Key": "team", "Value": "sales"}],
            "PrimaryRegion": "eu-west-1",
            "ReplicationStatus": [{"Region": "us-east-1", "Status": "InProgress"}],
            "CreatedDate": NOW,
            "LastChangedDate": NOW,
        })
    );
}

#[tokio::test]
async fn get_and_put_secret_value() {
    start!(_server, client, arn);
    assert_eq!(
        client.ok("GetSecretValue", json!({"SecretId": arn})).await,
        json!({
            "ARN": arn,
            "Name": "crm",
            "VersionId": token("one"),
            "VersionStages": ["AWSCURRENT"],
            "SecretString": "v1",
            "CreatedDate": NOW,
        })
    );
    let put = json!({
        "SecretId": "crm",
        "ClientRequestToken": token("two"),
        "SecretBinary": "AP8=",
        "VersionStages": ["MINE"],
    });
    assert_eq!(
        client.ok("PutSecretValue", put).await,
        json!({"ARN": arn, "Name": "crm", "VersionId": token("two"), "VersionStages": ["MINE"]})
    );
    let mut read = client
        .ok(
            "GetSecretValue",
            json!({"SecretId": "crm", "VersionStage": "MINE", "VersionId": token("two")}),
        )
        .await;
    assert_eq!(read["SecretBinary"].take(), "AP8=");
    assert!(read.get("SecretString").is_none());
}

#[tokio::test]
async fn update_secret() {
    start!(_server, client, arn);
    let body = json!({"SecretId": "crm", "ClientRequestToken": token("two"), "SecretString": "v2"});
    assert_eq!(
        client.ok("UpdateSecret", body).await,
        json!({"ARN": arn, "Name": "crm", "VersionId": token("two")})
    );
    let body = json!({"SecretId": "crm", "ClientRequestToken": token("three"), "Description": "d"});
    assert_eq!(
        client.ok("UpdateSecret", body).await,
        json!({"ARN": arn, "Name": "crm"})
    );
}

#[tokio::test]
async fn list_secrets_and_versions() {
    start!(_server, client, arn);
    let body = json!({"SecretId": "crm", "ClientRequestToken": token("two"), "SecretString": "v2"});
    client.ok("UpdateSecret", body).await;
    let body = json!({"SecretId": "crm", "ClientRequestToken": token("three"), "SecretString": "v3"});
    client.ok("UpdateSecret", body).await;
    let versions = json!({"SecretId": "crm", "IncludeDeprecated": true, "MaxResults": 2});
    let mut listed = client.ok("ListSecretVersionIds", versions).await;
    assert!(listed["NextToken"].take().is_string());
    assert_eq!(
        listed,
        json!({
            "ARN": arn,
            "Name": "crm",
            "NextToken": null,
            "Versions": [
                {"VersionId": token("one"), "CreatedDate": NOW},
                {"VersionId": token("two"), "VersionStages": ["AWSPREVIOUS"], "CreatedDate": NOW},
            ],
        })
    );
    let all = json!({
        "Filters": [{"Key": "name", "Values": ["cr", "!crx"]}],
        "SortBy": "name",
        "SortOrder": "desc",
        "IncludePlannedDeletion": true,
    });
    assert_eq!(
        client.ok("ListSecrets", all).await,
        json!({"SecretList": [{
            "ARN": arn,
            "Name": "crm",
            "SecretVersionsToStages": {(token("two")): ["AWSPREVIOUS"], (token("three")): ["AWSCURRENT"]},
            "CreatedDate": NOW,
            "LastChangedDate": NOW,
        }]})
    );
    let none = json!({"Filters": [{"Key": "name", "Values": ["x"]}]});
    assert_eq!(client.ok("ListSecrets", none).await, json!({"SecretList": []}));
}

#[tokio::test]
async fn rotate_stage_and_cancel() {
    start!(_server, client, arn);
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:rotate";
    let body = json!({
        "SecretId": "crm",
        "ClientRequestToken": token("two"),
        "RotationLambdaARN": function,
        "RotationRules": {"AutomaticallyAfterDays": 30, "Duration": "3h"},
        "RotateImmediately": true,
    });
    let rotated = json!({"ARN": arn, "Name": "crm", "VersionId": token("two")});
    assert_eq!(client.ok("RotateSecret", body).await, rotated);
    let described = client.ok("DescribeSecret", json!({"SecretId": "crm"})).await;
    assert_eq!(
        described,
        json!({
            "ARN": arn,
            "Name": "crm",
            "RotationEnabled": true,
            "RotationLambdaARN": function,
            "RotationRules": {"AutomaticallyAfterDays": 30, "Duration": "3h"},
            "VersionIdsToStages": {(token("one")): ["AWSCURRENT"], (token("two")): ["AWSPENDING"]},
            "CreatedDate": NOW,
            "LastChangedDate": NOW,
        })
    );
    assert_eq!(
        client.ok("CancelRotateSecret", json!({"SecretId": "crm"})).await,
        rotated
    );
    let body = json!({"SecretId": "crm", "VersionStage": "AWSPENDING", "RemoveFromVersionId": token("two")});
    assert_eq!(
        client.ok("UpdateSecretVersionStage", body).await,
        json!({"ARN": arn, "Name": "crm"})
    );
    let cancelled = client.ok("CancelRotateSecret", json!({"SecretId": "crm"})).await;
    assert_eq!(cancelled, json!({"ARN": arn, "Name": "crm"}));
}

#[tokio::test]
async fn get_random_password() {
    start!(_server, client, _arn);
    let password = client.ok("GetRandomPassword", json!({})).await;
    assert_eq!(password["RandomPassword"].as_str().unwrap().len(), 32);
    let digits = json!({
        "PasswordLength": 100,
        "ExcludeCharacters": "0",
        "ExcludePunctuation": true,
        "ExcludeUppercase": true,
        "ExcludeLowercase": true,
        "ExcludeNumbers": false,
        "IncludeSpace": false,
        "RequireEachIncludedType": true,
    });
    let password = client.ok("GetRandomPassword", digits).await;
    let password = password["RandomPassword"].as_str().unwrap();
    assert!(
        password.len() == 100 && password.bytes().all(|b| (b'1'..=b'9').contains(&b)),
        "{password}"
    );
    // An empty body is an empty object.
    assert!(
        client
            .post("secretsmanager.GetRandomPassword", "")
            .await
            .unwrap()
            .status
            .is_success()
    );
}

#[tokio::test]
async fn tags_and_replicas() {
    let simulator = Simulator::new();
    let server = simulator.serve().await.unwrap();
    let client = Client::new(server.address());
    let created = client.ok("CreateSecret", crm()).await;
    let tags = json!({"SecretId": "crm", "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b"}]});
    assert_eq!(client.ok("TagResource", tags).await, json!({}));
    let keys = json!({"SecretId": "crm", "TagKeys": ["a"]});
    assert_eq!(client.ok("UntagResource", keys).await, json!({}));
    let described = client.ok("DescribeSecret", json!({"SecretId": "crm"})).await;
    assert_eq!(described["Tags"], json!([{"Key": "b", "Value": ""}]));

    let body = json!({
        "SecretId": "crm",
        "AddReplicaRegions": [{"Region": "us-east-1"}],
        "ForceOverwriteReplicaSecret": false,
    });
    assert_eq!(
        client.ok("ReplicateSecretToRegions", body).await,
        json!({"ARN": created["ARN"], "ReplicationStatus": [{"Region": "us-east-1", "Status": "InProgress"}]})
    );
    simulator.operator().make_replica("crm", "us-east-1").unwrap();
    assert_eq!(
        client
            .ok("StopReplicationToReplica", json!({"SecretId": "crm"}))
            .await,
        json!({"ARN": created["ARN"]})
    );
}
