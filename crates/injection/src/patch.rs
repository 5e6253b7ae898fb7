//! Writes a plan as a JSON Patch (RFC 6902) with only `add` operations, as deep as possible: every
//! other byte of the pod stays the same.

use alloc::vec::Vec;

use serde::Serialize;

use super::Slot;
use super::excess::{self, Excess};
use super::plan::{Additions, ContainerPlan, LabelPlan, MountPlan, Plan, Verdict, VolumePlan};
use super::pod::{Container, POD_IDENTITY_LABEL};

/// The patch's bytes, `None` if nothing is to be added; an error if it would be larger than any
/// object that the API server accepts.
pub fn write(plan: &Plan<'_>) -> Result<Option<Vec<u8>>, Excess> {
    if plan.is_empty() {
        return Ok(None);
    }
    let mut operations = Operations(Vec::with_capacity(1024));
    if let Some(label) = plan.label {
        operations.label(label);
    }
    if let VolumePlan::Add { .. } = &plan.volume {
        operations.volume(plan);
    }
    for container in &plan.containers {
        if let Verdict::Judged(additions) = &container.verdict {
            operations.variables(plan, container, additions);
            operations.mount(plan, container, additions);
            if operations.0.len() > excess::PATCH {
                return Err(Excess::Patch);
            }
        }
    }
    Ok(Some(operations.finish()))
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

    /// One operation: `path` and `value` write its members.
    fn add(&mut self, path: impl FnOnce(&mut Vec<u8>), value: impl FnOnce(&mut Vec<u8>)) {
        let Self(out) = self;
        out.extend_from_slice(if out.is_empty() { b"[" } else { b"" });
        out.extend_from_slice(br#"{"op":"add","path":""#);
        path(out);
        out.extend_from_slice(br#"","value":"#);
        value(out);
        out.extend_from_slice(b"},");
    }

    /// Elements of an array: one operation each if the array exists, else one that creates it.
    fn elements<T>(
        &mut self,
        array: &impl Fn(&mut Vec<u8>),
        slot: Slot,
        elements: impl Iterator<Item = T>,
        write: fn(&mut Vec<u8>, T),
    ) {
        if slot.is_present() {
            for element in elements {
                let path = |out: &mut Vec<u8>| {
                    array(out);
                    out.extend_from_slice(b"/-");
                };
                self.add(path, |out| write(out, element));
            }
            return;
        }
        let mut elements = elements.peekable();
        if elements.peek().is_none() {
            return;
        }
        self.add(array, |out| {
            out.push(b'[');
            for (place, element) in elements.enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(out, element);
            }
            out.push(b']');
        });
    }

    fn label(&mut self, label: LabelPlan) {
        let object = |out: &mut Vec<u8>| {
            out.push(b'{');
            string(out, POD_IDENTITY_LABEL);
            out.extend_from_slice(br#":"enabled"}"#);
        };
        match label {
            LabelPlan::Member => {
                let name = POD_IDENTITY_LABEL.replace('~', "~0").replace('/', "~1");
                let path = |out: &mut Vec<u8>| {
                    out.extend_from_slice(b"/metadata/labels/");
                    out.extend_from_slice(name.as_bytes());
                };
                self.add(path, |out| string(out, "enabled"));
            }
            LabelPlan::Labels => self.add(fixed("/metadata/labels"), object),
            LabelPlan::Metadata => self.add(fixed("/metadata"), |out| {
                out.extend_from_slice(br#"{"labels":"#);
                object(out);
                out.push(b'}');
            }),
        }
    }

    fn volume(&mut self, plan: &Plan<'_>) {
        let volume = &plan.volume;
        if plan.spec_slot.is_present() {
            let volumes = fixed("/spec/volumes");
            self.elements(&volumes, plan.volumes_slot, core::iter::once(volume), projected);
            return;
        }
        self.add(fixed("/spec"), |out| {
            out.extend_from_slice(br#"{"volumes":["#);
            projected(out, volume);
            out.extend_from_slice(b"]}");
        });
    }

    fn variables<'a>(&mut self, plan: &Plan<'a>, container: &ContainerPlan<'a>, additions: &Additions<'a>) {
        let path = member(container.container, "/env");
        self.elements(&path, container.container.env, plan.variables(additions), |out, (name, value)| {
            out.extend_from_slice(br#"{"name":"#);
            string(out, name);
            out.extend_from_slice(br#","value":"#);
            string(out, &value);
            out.push(b'}');
        });
    }

    fn mount(&mut self, plan: &Plan<'_>, container: &ContainerPlan<'_>, additions: &Additions<'_>) {
        let MountPlan::Add { path: mount_path } = &additions.mount else {
            return;
        };
        let path = member(container.container, "/volumeMounts");
        let mount = (plan.volume.name(), &**mount_path);
        self.elements(
            &path,
            container.container.volume_mounts,
            core::iter::once(mount),
            |out, (name, mount_path)| {
                out.extend_from_slice(br#"{"name":"#);
                string(out, name);
                out.extend_from_slice(br#","readOnly":true,"mountPath":"#);
                string(out, mount_path);
                out.push(b'}');
            },
        );
    }
}

/// A projected volume, as an element of a pod's volumes.
fn projected(out: &mut Vec<u8>, volume: &VolumePlan<'_>) {
    let VolumePlan::Add { name, audience, lifetime, token_path } = volume else {
        return;
    };
    out.extend_from_slice(br#"{"name":"#);
    string(out, name);
    out.extend_from_slice(br#","projected":{"sources":[{"serviceAccountToken":{"audience":"#);
    string(out, audience);
    out.extend_from_slice(br#","expirationSeconds":"#);
    number(out, *lifetime);
    out.extend_from_slice(br#","path":"#);
    string(out, token_path);
    out.extend_from_slice(b"}}]}}");
}

/// Writes a path without a name from the pod.
fn fixed(path: &'static str) -> impl Fn(&mut Vec<u8>) {
    move |out| out.extend_from_slice(path.as_bytes())
}

/// Writes the path of a container's member.
fn member(container: &Container<'_>, name: &'static str) -> impl Fn(&mut Vec<u8>) {
    let (list, index) = (container.list.field(), container.index);
    move |out| {
        out.extend_from_slice(b"/spec/");
        out.extend_from_slice(list.as_bytes());
        out.push(b'/');
        number(out, index);
        out.extend_from_slice(name.as_bytes());
    }
}

/// A number in decimal. It does not use std's formatting: with it the admission of a 7.5 KB review
/// took 1.99 passes over its bytes, without it 1.89.
fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// A JSON string, escaped.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let written = text.serialize(&mut serde_json::Serializer::new(out));
    debug_assert!(written.is_ok());
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::agent::{Agent, IpFamily};
    use super::super::annotation::Prefix;
    use super::super::defaults::{Defaults, TokenVolume};
    use super::super::grant::{AssociationGrant, Grant};
    use super::super::pod::Pod;
    use super::super::review::Subject;
    use super::super::role::RoleArnValidation;
    use super::super::{Candidate, Found, Rules, decide};

    /// Some flags.
    pub(in super::super) fn defaults() -> Defaults {
        let volume = TokenVolume {
            audience: "a".to_owned(),
            mount_path: "/m".to_owned(),
            name: "v".to_owned(),
            token_path: "t".to_owned(),
        };
        Defaults {
            annotation_prefix: Prefix::new("eks.amazonaws.com").unwrap(),
            region: None,
            regional_sts: false,
            lifetime: 600,
            lifetime_is_explicit: true,
            role_names: None,
            role_arn_validation: RoleArnValidation::Off,
            web_identity: volume.clone(),
            container_credentials: volume,
            agent: Agent::new(IpFamily::Ipv4, None),
            no_agent_fallback: false,
        }
    }

    #[test]
    fn pod_without_a_spec_gets_one() {
        let defaults = defaults();
        let found = Found::from(Grant::Association(AssociationGrant::default()));
        for text in ["{}", r#"{"spec":null}"#] {
            let pod = Pod::decode(text, &defaults.annotation_prefix).unwrap();
            let subject = Subject::Pod(Box::new(pod));
            let rules = Rules { defaults: &defaults, policy: None, sources: &[] };
            let decision = decide(&Candidate::offline(&subject, "shop"), &found, &rules);
            let mut object: serde_json::Value = serde_json::from_str(text).unwrap();
            let operations: json_patch::Patch = serde_json::from_slice(decision.patch().unwrap()).unwrap();
            json_patch::patch(&mut object, &operations).unwrap();
            assert_eq!(object["spec"]["volumes"][0]["name"], "v", "{text}");
        }
    }
}
