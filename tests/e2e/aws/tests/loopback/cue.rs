//! `--fail`: the suite has calls fail, and has them succeed again.

use serde_json::json;

use crate::eks_auth;
use crate::issuer::claims;
use crate::world::World;

#[tokio::test]
async fn calls_fail_with_the_code_in_the_file_while_it_is_there() {
    let world = World::start_with(&eks_auth::FLAGS).await;
    eks_auth::associate(&world);
    let token = world.key.sign(&claims());
    let first = world.session().await;
    let chained = || async {
        let call = world.sts(first.clone()).assume_role().role_arn(crate::ROLE).role_session_name("second");
        let response = call.send().await.unwrap_err();
        aws_sdk_sts::error::ProvideErrorMetadata::code(&response).unwrap().to_owned()
    };
    assert_eq!(chained().await, "AccessDenied", "the role's trust policy");
    for (text, by_token, by_role, by_pod) in [
        ("Throttling\n", (400, "Throttling"), "Throttling", (200, "")),
        ("IDPCommunicationError", (400, "IDPCommunicationError"), "IDPCommunicationError", (200, "")),
        ("ServiceUnavailable", (503, "ServiceUnavailable"), "ServiceUnavailable", (200, "")),
        ("ThrottlingException", (200, ""), "AccessDenied", (429, "ThrottlingException")),
        ("ServiceUnavailableException", (200, ""), "AccessDenied", (503, "ServiceUnavailableException")),
        ("Nonsense", (500, "InternalFailure"), "InternalFailure", (500, "InternalServerException")),
        ("", (200, ""), "AccessDenied", (200, "")),
    ] {
        world.write("fail", text);
        let (status, code, body) = world.assume(&token).await;
        assert_eq!((status, code.as_str()), by_token, "{text:?}: {body}");
        assert!(!body.contains("<Type>Receiver") || status >= 500, "{text:?}: {body}");
        assert_eq!(chained().await, by_role, "{text:?}");
        let (status, code) = eks_auth::outcome(eks_auth::good(&world)).await;
        assert_eq!((status, code.as_str()), by_pod, "{text:?}");
        let identity = world.sts(first.clone()).get_caller_identity().send().await;
        assert!(identity.is_ok(), "{text:?}: who has credentials keeps them");
    }
    std::fs::remove_file(world.folder.path().join("fail")).unwrap();
    assert_eq!(world.assume(&token).await.0, 200);
    let lines = world.lines(3).await;
    let failed: serde_json::Value = serde_json::from_str(&lines[2]).unwrap();
    assert_eq!((&failed["code"], &failed["status"]), (&json!("Throttling"), &json!(400)));
    assert_eq!(failed["role"], crate::ROLE);
}
