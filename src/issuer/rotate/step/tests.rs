use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_hours(1);
const RULES: Rules = Rules { propagation: Duration::from_hours(24), longest_token: Duration::from_hours(25) };

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap()
}

fn ids(kids: &str) -> BTreeSet<String> {
    kids.split(' ').filter(|kid| !kid.is_empty()).map(str::to_owned).collect()
}

/// A rotation from OLD to NEW.
fn begun() -> Progress {
    Progress::begin("https://oidc.example.com", ids("OLD"), "NEW", false)
}

/// What is published, and of each API server what it verifies by and signs with.
fn seen(published: &str, servers: &[(&str, &str)]) -> Seen {
    let servers = servers.iter().enumerate().map(|(number, (verifies, signs))| ApiServer {
        url: format!("https://10.0.0.{}:6443", number + 1),
        verifies: ids(verifies),
        signs: (*signs).to_owned(),
    });
    Seen { published: ids(published), servers: servers.collect() }
}

fn servers(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|number| format!("https://10.0.0.{number}:6443")).collect()
}

#[test]
fn a_rotation_of_three_api_servers_goes_from_step_to_step() {
    let mut progress = begun();
    let (old, both, new) = (("OLD", "OLD"), ("OLD NEW", "OLD"), ("OLD NEW", "NEW"));
    for (hours, world, expected) in [
        (0, seen("OLD", &[old, old, old]), Step::Publish),
        (1, seen("OLD NEW", &[old, old, old]), Step::Trust { at: servers(&[1, 2, 3]) }),
        (2, seen("OLD NEW", &[both, old, both]), Step::Trust { at: servers(&[2]) }),
        (3, seen("OLD NEW", &[both, both, both]), Step::WaitBeforeSigning { until: at(25) }),
        (24, seen("OLD NEW", &[both, both, both]), Step::WaitBeforeSigning { until: at(25) }),
        (25, seen("OLD NEW", &[both, both, both]), Step::Sign { at: servers(&[1, 2, 3]) }),
        (26, seen("OLD NEW", &[new, both, both]), Step::Sign { at: servers(&[2, 3]) }),
        (27, seen("OLD NEW", &[new, new, new]), Step::WaitForTokens { until: at(52) }),
        (51, seen("OLD NEW", &[new, new, new]), Step::WaitForTokens { until: at(52) }),
        (52, seen("OLD NEW", &[new, new, new]), Step::Withdraw),
        (53, seen("NEW", &[new, new, ("NEW", "NEW")]), Step::Over { left_at: servers(&[1, 2]) }),
    ] {
        let (step, dangers) = step(&mut progress, &world, RULES, at(hours));
        assert_eq!((&step, dangers.as_slice()), (&expected, [].as_slice()), "after {hours} h");
        // What is remembered is all that counts: the next look may be another process's.
        let text = serde_json::to_string(&progress).unwrap();
        progress = serde_json::from_str(&text).unwrap();
    }
}

#[test]
fn an_emergency_waits_for_nothing() {
    let rules = Rules::WITHOUT_WAITING;
    let mut progress = begun();
    for (world, expected) in [
        (seen("OLD NEW", &[("OLD NEW", "OLD")]), Step::Sign { at: servers(&[1]) }),
        (seen("OLD NEW", &[("OLD NEW", "NEW")]), Step::Withdraw),
        (seen("NEW", &[("NEW", "NEW")]), Step::Over { left_at: vec![] }),
    ] {
        assert_eq!(step(&mut progress, &world, rules, at(0)).0, expected);
    }
}

#[test]
fn whatever_goes_back_makes_its_wait_begin_anew() {
    let mut progress = begun();
    let both = seen("OLD NEW", &[("OLD NEW", "OLD")]);
    step(&mut progress, &both, RULES, at(0));
    step(&mut progress, &seen("OLD", &[("OLD NEW", "OLD")]), RULES, at(20));
    let (again, _) = step(&mut progress, &both, RULES, at(21));
    assert_eq!(again, Step::WaitBeforeSigning { until: at(45) });

    let new = seen("OLD NEW", &[("OLD NEW", "NEW")]);
    step(&mut progress, &new, RULES, at(50));
    // An API server was restarted with its old flags.
    assert_eq!(step(&mut progress, &both, RULES, at(70)).0, Step::Sign { at: servers(&[1]) });
    assert_eq!(step(&mut progress, &new, RULES, at(71)).0, Step::WaitForTokens { until: at(96) });
}

#[test]
fn a_moment_that_has_not_come_counts_for_nothing() {
    let mut progress = begun();
    step(&mut progress, &seen("OLD NEW", &[("OLD NEW", "OLD")]), RULES, at(1000));
    let (waits, _) = step(&mut progress, &seen("OLD NEW", &[("OLD NEW", "OLD")]), RULES, at(0));
    assert_eq!(waits, Step::WaitBeforeSigning { until: at(24) });
}

#[test]
fn what_breaks_is_told_whatever_the_step_is() {
    let urls = servers(&[1, 2]);
    let [first, second] = [urls[0].clone(), urls[1].clone()];
    let kid = "NEW".to_owned();
    for (world, expected) in [
        (
            seen("OLD", &[("OLD NEW", "NEW"), ("OLD NEW", "OLD")]),
            Danger::Unpublished { server: first.clone(), kid: kid.clone() },
        ),
        (
            seen("OLD NEW", &[("OLD NEW", "NEW"), ("OLD", "OLD")]),
            Danger::Untrusted { server: second.clone(), by: first.clone(), kid },
        ),
        (
            seen("OLD NEW THIRD", &[("OLD NEW THIRD", "THIRD"), ("OLD NEW THIRD", "OLD")]),
            Danger::Unknown { server: first.clone(), kid: "THIRD".to_owned() },
        ),
        (
            seen("NEW", &[("OLD NEW", "NEW"), ("OLD NEW", "OLD")]),
            Danger::Unpublished { server: second, kid: "OLD".to_owned() },
        ),
    ] {
        let (_, dangers) = step(&mut begun(), &world, RULES, at(0));
        assert_eq!(dangers, [expected], "{world:?}");
    }
}

/// A world of three API servers that anybody may have made.
fn world() -> impl Strategy<Value = Seen> {
    let server = (any::<bool>(), any::<bool>(), any::<bool>());
    (any::<bool>(), any::<bool>(), prop::collection::vec(server, 1..=3)).prop_map(|(old, new, states)| {
        let kids =
            |old: bool, new: bool| [if old { "OLD " } else { "" }, if new { "NEW" } else { "" }].concat();
        let states: Vec<_> = states
            .into_iter()
            .map(|(old, new, signs_new)| (kids(old, new), if signs_new { "NEW" } else { "OLD" }))
            .collect();
        let states: Vec<_> = states.iter().map(|(verifies, signs)| (verifies.as_str(), *signs)).collect();
        seen(&kids(old, new), &states)
    })
}

proptest! {
    #[test]
    fn nothing_is_asked_for_that_breaks_a_token(worlds in prop::collection::vec((world(), 0_u32..40), 1..30)) {
        let mut progress = begun();
        let mut now = at(0);
        let (mut published, mut signing): (Option<Timestamp>, Option<Timestamp>) = (None, None);
        for (world, hours) in worlds {
            now = after(now, HOUR * hours);
            let is_published = world.published.contains("NEW");
            published = is_published.then(|| published.unwrap_or(now));
            let is_signing = world.servers.iter().all(|server| server.signs == "NEW");
            signing = is_signing.then(|| signing.unwrap_or(now));
            let (asked, dangers) = step(&mut progress, &world, RULES, now);
            match asked {
                Step::Sign { .. } => {
                    prop_assert!(world.servers.iter().all(|server| server.verifies.contains("NEW")));
                    prop_assert!(after(published.unwrap(), RULES.propagation) <= now);
                }
                Step::Withdraw => prop_assert!(after(signing.unwrap(), RULES.longest_token) <= now),
                Step::Over { .. } => prop_assert!(is_signing && is_published && !world.published.contains("OLD")),
                _ => {}
            }
            let is_refused = world.servers.iter().any(|server| !world.published.contains(&server.signs));
            let is_told = dangers.iter().any(|danger| matches!(danger, Danger::Unpublished { .. }));
            prop_assert_eq!(is_refused, is_told);
        }
    }
}

#[test]
fn no_api_server_that_was_seen_is_forgotten_and_a_new_one_has_the_wait_begin_anew() {
    let path = std::path::Path::new("rotation.json");
    let mut progress = begun();
    progress.meet(ids("one two"), path).unwrap();
    progress.signing_since = Some(at(0));
    let error = progress.meet(ids("one"), path).unwrap_err();
    assert!(error.to_string().contains("the API server two was seen before"), "{error}");
    progress.meet(ids("one two"), path).unwrap();
    assert_eq!(progress.signing_since, Some(at(0)));
    progress.meet(ids("one three two"), path).unwrap();
    assert_eq!(progress.signing_since, None);
}
