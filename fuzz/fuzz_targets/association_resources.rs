//! Any manifests as custom resources of every kind: an association whose names Kubernetes takes and that
//! says so of itself, or an error that names a field and holds nothing of what stands there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::identities::sources::association_resources::{
    Association, Controller, Existence, Kind, Malformed,
};

const FIELDS: [&str; 6] = ["namespace", "serviceAccount", "clusterName", "roleArn", "targetRoleArn", "name"];

fuzz_target!(|text: &str| {
    let Ok(stream) = manifests::parse(text) else { return };
    let kinds = || Controller::ALL.into_iter().flat_map(Kind::of);
    for object in stream.documents().iter().flat_map(|document| document.objects()) {
        for kind in kinds() {
            match Association::read(kind, object.value, "default") {
                Ok(Association { account, cluster, existence }) => {
                    assert!(account.get().is_possible());
                    assert_ne!(cluster.as_deref(), Some(""));
                    let has_no_id = matches!(existence, Existence::Awaited | Existence::Given(_));
                    assert_eq!(existence.id().is_none(), has_no_id);
                    assert_ne!(existence.id(), Some(""));
                }
                // A rule says what is wrong with a member, in words of ours.
                Err(Malformed::Rule(rule)) => {
                    assert!(rule.chars().count() < 300 && !rule.contains(char::is_control), "{rule}");
                }
                Err(error @ (Malformed::Missing(_) | Malformed::NotText(_) | Malformed::NotAName(_))) => {
                    let (Malformed::Missing(path)
                    | Malformed::NotText(path)
                    | Malformed::NotAName(path)
                    | Malformed::Rule(path)) = &error;
                    // Where in the spec a member of another type stands, its reader does not say.
                    let (parent, field) = path.rsplit_once('.').unwrap_or(("spec", path));
                    let parents = ["spec", "status.atProvider", "metadata"];
                    assert!(parents.iter().any(|known| parent.starts_with(known)), "{error}");
                    assert!(FIELDS.contains(&field) || field == "a member of spec", "{error}");
                }
            }
        }
    }
});
