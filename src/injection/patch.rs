//! Writes a plan as a JSON Patch (RFC 6902) of `add` operations alone, as deep as they go: nothing
//! else in the pod changes by a byte.

use serde::Serialize;

use super::plan::{Additions, ContainerPlan, LabelPlan, MountPlan, Plan, Verdict, VolumePlan};
use super::pod::POD_IDENTITY_LABEL;

/// The patch's bytes, `None` where nothing is to be added.
#[must_use]
pub fn write(plan: &Plan<'_>) -> Option<Vec<u8>> {
    if plan.is_empty() {
        return None;
    }
    let mut operations = Operations(Vec::with_capacity(1024));
    if let Some(label) = plan.label {
        operations.label(label);
    }
    if let Some(volume @ VolumePlan::Add { .. }) = &plan.volume {
        operations.volume(volume, plan.volumes_slot.is_present());
    }
    for container in &plan.containers {
        if let Verdict::Judged(additions) = &container.verdict {
            operations.variables(plan, container, additions);
            operations.mount(plan, container, additions);
        }
    }
    Some(operations.finish())
}

/// The operations so far; each ends in a comma until the last.
struct Operations(Vec<u8>);

impl Operations {
    fn finish(mut self) -> Vec<u8> {
        if let Some(comma) = self.0.last_mut() {
            *comma = b']';
        }
        self.0
    }

    /// One operation: the path's parts as they are, then the value as `write` gives it.
    fn add(&mut self, path: &[&str], write: impl FnOnce(&mut Vec<u8>)) {
        let Self(out) = self;
        out.extend_from_slice(if out.is_empty() { b"[" } else { b"" });
        out.extend_from_slice(br#"{"op":"add","path":""#);
        for part in path {
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(br#"","value":"#);
        write(out);
        out.extend_from_slice(b"},");
    }

    /// Elements of an array: one operation each where it exists, else one that makes it.
    fn elements<T>(
        &mut self,
        array: &[&str],
        exists: bool,
        values: impl Iterator<Item = T>,
        write: fn(&mut Vec<u8>, T),
    ) {
        if exists {
            for value in values {
                let mut path = [""; 6];
                let parts = array.iter().chain([&"/-"]);
                for (slot, part) in path.iter_mut().zip(parts) {
                    *slot = part;
                }
                self.add(&path, |out| write(out, value));
            }
            return;
        }
        let mut values = values.peekable();
        if values.peek().is_none() {
            return;
        }
        self.add(array, |out| {
            out.push(b'[');
            for (place, value) in values.enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(out, value);
            }
            out.push(b']');
        });
    }

    fn label(&mut self, label: LabelPlan) {
        let member = [(POD_IDENTITY_LABEL, "enabled")];
        let object = |out: &mut Vec<u8>| {
            for (name, value) in member {
                out.push(b'{');
                string(out, name);
                out.push(b':');
                string(out, value);
                out.push(b'}');
            }
        };
        match label {
            LabelPlan::Member => {
                let name = POD_IDENTITY_LABEL.replace('~', "~0").replace('/', "~1");
                self.add(&["/metadata/labels/", &name], |out| string(out, "enabled"));
            }
            LabelPlan::Labels => self.add(&["/metadata/labels"], object),
            LabelPlan::Metadata => self.add(&["/metadata"], |out| {
                out.extend_from_slice(br#"{"labels":"#);
                object(out);
                out.push(b'}');
            }),
        }
    }

    fn volume(&mut self, volume: &VolumePlan<'_>, exists: bool) {
        self.elements(&["/spec/volumes"], exists, std::iter::once(volume), |out, volume| {
            let VolumePlan::Add { name, audience, lifetime, token_path } = volume else {
                return;
            };
            out.extend_from_slice(br#"{"name":"#);
            string(out, name);
            out.extend_from_slice(br#","projected":{"sources":[{"serviceAccountToken":{"audience":"#);
            string(out, audience);
            out.extend_from_slice(br#","expirationSeconds":"#);
            out.extend_from_slice(lifetime.to_string().as_bytes());
            out.extend_from_slice(br#","path":"#);
            string(out, token_path);
            out.extend_from_slice(b"}}]}}");
        });
    }

    fn variables<'a>(&mut self, plan: &Plan<'a>, container: &ContainerPlan<'a>, additions: &Additions<'a>) {
        let index = container.container.index.to_string();
        let path = ["/spec/", container.container.list.field(), "/", &index, "/env"];
        let exists = container.container.env.is_present();
        self.elements(&path, exists, plan.variables(additions), |out, (name, value)| {
            out.extend_from_slice(br#"{"name":"#);
            string(out, name);
            out.extend_from_slice(br#","value":"#);
            string(out, &value);
            out.push(b'}');
        });
    }

    fn mount(&mut self, plan: &Plan<'_>, container: &ContainerPlan<'_>, additions: &Additions<'_>) {
        let (Some(volume), MountPlan::Add { path: mount_path }) = (&plan.volume, &additions.mount) else {
            return;
        };
        let index = container.container.index.to_string();
        let path = ["/spec/", container.container.list.field(), "/", &index, "/volumeMounts"];
        let exists = container.container.volume_mounts.is_present();
        let mount = (volume.name(), &**mount_path);
        self.elements(&path, exists, std::iter::once(mount), |out, (name, mount_path)| {
            out.extend_from_slice(br#"{"name":"#);
            string(out, name);
            out.extend_from_slice(br#","readOnly":true,"mountPath":"#);
            string(out, mount_path);
            out.push(b'}');
        });
    }
}

/// A JSON string, escaped.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory has no way to fail.
    let written = text.serialize(&mut serde_json::Serializer::new(out));
    debug_assert!(written.is_ok());
}
