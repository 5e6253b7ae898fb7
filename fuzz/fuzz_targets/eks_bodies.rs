//! Any body: an input that reads the same once it is written, with a digest that is of it and not of its token; or an
//! error that names a member and quotes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::eks_endpoint::body::{CreateInput, Edit, TagInput, UpdateInput};
use pod_identity_webhook::eks_endpoint::error::{ErrorName, ServiceError};
use serde_json::{Value, json};

fuzz_target!(|body: &[u8]| {
    match CreateInput::read(body) {
        Ok(input) => {
            assert!(input.target_role_arn.as_deref() != Some("") && input.policy.as_deref() != Some(""));
            let again = CreateInput::read(&created(&input)).unwrap();
            assert_eq!((again.hash(), &again), (input.hash(), &input));
            let other = CreateInput { client_request_token: Some("other".to_owned()), ..input.clone() };
            assert_eq!(other.hash(), input.hash());
            let other = CreateInput { role_arn: format!("{}x", input.role_arn), ..input };
            assert_ne!(other.hash(), again.hash());
        }
        Err(error) => refused(&error, ErrorName::InvalidParameter),
    }
    match UpdateInput::read(body) {
        Ok(input) => {
            let again = UpdateInput::read(&updated(&input)).unwrap();
            assert_eq!((again.hash(), again), (input.hash(), input));
        }
        Err(error) => refused(&error, ErrorName::InvalidParameter),
    }
    match TagInput::read(body) {
        Ok(input) => {
            let written = json!({ "tags": input.tags }).to_string();
            assert_eq!(TagInput::read(written.as_bytes()), Ok(input));
        }
        Err(error) => refused(&error, ErrorName::BadRequest),
    }
});

fn created(input: &CreateInput) -> Vec<u8> {
    let CreateInput {
        namespace,
        service_account,
        role_arn,
        client_request_token,
        tags,
        disable_session_tags,
        target_role_arn,
        policy,
    } = input;
    let body = json!({
        "policy": policy, "targetRoleArn": target_role_arn, "disableSessionTags": disable_session_tags, "tags": tags,
        "clientRequestToken": client_request_token, "roleArn": role_arn, "serviceAccount": service_account,
        "namespace": namespace,
    });
    body.to_string().into_bytes()
}

fn updated(input: &UpdateInput) -> Vec<u8> {
    let UpdateInput { role_arn, client_request_token, disable_session_tags, target_role_arn, policy } = input;
    let edit = |edit: &Edit| match edit {
        Edit::Keep => Value::Null,
        Edit::Remove => json!(""),
        Edit::Set(text) => json!(text),
    };
    let body = json!({
        "policy": edit(policy), "targetRoleArn": edit(target_role_arn), "disableSessionTags": disable_session_tags,
        "clientRequestToken": client_request_token, "roleArn": role_arn,
    });
    body.to_string().into_bytes()
}

fn refused(error: &ServiceError, name: ErrorName) {
    assert_eq!(error.name, name);
    assert!(error.message.len() < 120 && error.message.is_ascii(), "{error:?}");
    assert!(
        error.message.starts_with("The member ")
            || error.message == "The request's body is not a JSON object."
    );
}
