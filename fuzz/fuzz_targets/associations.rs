//! Any bytes: a set of associations that reads back the same once it is written, or an error whose
//! text is one short line.
#![no_main]

use injection::AccountName;
use libfuzzer_sys::fuzz_target;
use pod_identity_webhook::identities::sources::association_file::AssociationFile;
use serde_json::json;

fuzz_target!(|bytes: &[u8]| {
    match AssociationFile::parse(bytes) {
        Ok(AssociationFile { associations, complaint }) => {
            let entries = associations.iter();
            let entries: Vec<_> = entries
                .map(|AccountName { namespace, name }| json!({ "namespace": namespace, "serviceAccount": name }))
                .collect();
            let written = json!({ "identities": entries }).to_string();
            let again = AssociationFile::parse(written.as_bytes()).expect("what was written can be read");
            assert_eq!(again, AssociationFile { associations, complaint: None });
            if let Some(complaint) = complaint {
                // Only their index in the file may be quoted.
                assert!(complaint.entries() > 0 && complaint.to_string().len() < 300, "{complaint}");
            }
        }
        Err(error) => {
            // The error quotes nothing of the file.
            let text = error.to_string();
            assert!(text.len() < 150 && text.is_ascii() && !text.contains('\n'), "{text}");
        }
    }
});
