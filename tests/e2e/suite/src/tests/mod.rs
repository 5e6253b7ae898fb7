//! The tests, a file for each thing that users rely on.

mod agent;
mod api_server;
mod association_file;
mod association_resources;
mod associations;
mod attacks;
mod cert_manager;
mod certificates;
mod client_authority;
mod cold_start;
mod config_map;
mod deployment;
mod disruption;
mod down;
mod ephemeral;
mod first_install;
mod go_arguments;
mod golden;
mod install;
mod issuer;
mod knobs;
mod kube_system;
mod precedence;
mod protocol;
mod races;
mod readme;
mod reinvocation;
mod replicas;
mod required_identity;
mod rights;
mod role_policy;
mod rotation;
mod shapes;
mod static_pod;
mod token_modes;
mod upgrade;

use crate::harness::Case;

/// Tests by their paths, which are their names.
macro_rules! cases {
    ($($path:path),* $(,)?) => {
        [$(Case::new(stringify!($path), |test| Box::pin($path(test)))),*]
    };
}

/// Tests that do not disturb others, run side by side.
pub fn beside() -> Vec<Case> {
    let shared = cases![
        deployment::pod_has_env_volume_and_token_to_the_letter,
        deployment::both_sdks_get_credentials_of_the_role,
        deployment::pod_of_an_account_without_a_role_gets_nothing,
        deployment::role_that_trusts_another_account_is_refused_by_sts,
        ephemeral::debugger_of_a_running_pod_reads_its_token,
        ephemeral::debugger_that_has_nothing_does_not_hinder_the_next,
        ephemeral::debugger_of_a_pod_without_a_token_gets_a_warning,
        knobs::audience_of_the_account_is_the_tokens,
        knobs::token_lives_as_long_as_the_account_says,
        knobs::token_lives_as_long_as_the_pod_says_rather_than_the_account,
        knobs::token_lives_ten_minutes_at_least,
        knobs::account_asks_for_regional_sts_endpoints,
        knobs::skipped_containers_have_neither_variables_nor_mount,
        knobs::only_containers_that_are_to_be_injected_are,
        knobs::init_container_and_native_sidecar_read_the_token,
        knobs::container_keeps_a_region_of_its_own,
        shapes::pod_of_a_stateful_set_gets_its_role,
        shapes::pod_of_a_job_gets_its_role,
        shapes::pod_of_a_cron_job_gets_its_role,
        shapes::pod_with_a_generated_name_gets_its_role,
        shapes::agent_that_reads_the_host_gets_its_role,
        shapes::network_plugin_in_kube_system_gets_its_role,
        token_modes::token_is_readable_for_whom_the_rule_says,
        token_modes::token_that_a_container_cannot_read_is_not_reused,
        issuer::kids::ids_of_a_thousand_keys_are_those_that_openssl_computes,
        protocol::label_keeps_a_pod_out,
        protocol::review_in_v1beta1_is_answered_in_v1beta1,
        protocol::server_side_dry_run_shows_the_identity_and_stores_nothing,
        races::a_pod_made_together_with_its_account_has_its_role,
        races::a_changed_annotation_decides_within_a_second,
    ];
    let own_webhook = cases![
        association_file::pods_follow_the_file_that_kubelet_swaps,
        association_resources::pods_follow_resources_and_their_definitions,
        associations::clients::every_client_makes_every_call,
        associations::conflicts::no_tag_is_lost_when_two_clients_tag_at_the_same_time,
        associations::kubectl::an_association_tells_what_became_of_it,
        associations::pods::the_next_pod_has_what_a_client_has_just_made,
        associations::refused::the_command_line_says_in_awss_words_what_is_wrong,
        associations::refused::what_no_client_sends_is_refused,
        associations::repeated::a_create_is_repeated_over_a_restart_and_refused_with_other_parameters,
        associations::repeated::a_create_whose_answer_is_lost_is_done_once,
        cold_start::a_webhook_that_is_there_before_the_api_server_waits_for_it,
        cold_start::a_pod_that_meets_a_cold_replica_waits_and_has_its_role,
        go_arguments::go_webhooks_manifests_give_the_pods_that_it_promises,
        down::cold_cluster_with_the_registration_starts_by_itself,
        down::while_nobody_answers_only_pods_that_require_an_identity_wait,
        golden::every_patched_pod_is_valid,
        issuer::chart::a_pod_of_the_chart_publishes_what_the_api_server_has,
        install::two_releases_inject_for_their_own_annotation_alone,
        install::upgrade_loses_no_pod_and_uninstall_leaves_nothing,
        kube_system::in_kube_system_only_own_pods_are_left_alone,
        reinvocation::sidecars_that_are_added_after_us_have_the_identity,
        reinvocation::sidecars_that_are_added_before_us_have_the_identity,
        api_server::a_watch_that_falls_silent_is_noticed_and_does_no_harm,
        certificates::registration_that_others_change_recovers_alone,
        certificates::replica_whose_clock_is_a_year_ahead_goes_by_the_api_servers,
        certificates::whatever_is_done_to_the_secret_no_pod_notices,
        client_authority::only_the_api_server_is_answered,
        config_map::what_the_config_map_says_decides_within_two_seconds,
        precedence::association_wins_over_annotation_and_annotation_over_entry,
        required_identity::a_namespace_has_pods_once_their_account_has_a_role,
        required_identity::a_pod_is_refused_until_its_account_has_a_role,
        required_identity::a_source_that_cannot_be_asked_is_trouble_and_no_denial,
        required_identity::no_pod_frees_itself_from_its_namespaces_label,
        rights::every_verb_is_needed_and_no_other_is_allowed,
        rights::every_verb_of_own_associations_is_needed_and_no_other_is_allowed,
        upgrade::go_webhooks_default_certificate_is_kept_in_the_cluster,
        role_policy::roles_are_warned_of_then_refused_as_the_policy_says,
    ];
    shared.into_iter().chain(own_webhook.map(Case::with_own_webhook)).collect()
}

/// Tests that disturb the cluster itself, run after the others and one at a time.
pub fn alone() -> Vec<Case> {
    let shared = cases![api_server::an_api_server_that_restarts_is_followed_again,];
    let own_webhook = cases![
        agent::drop_in::awss_daemonset_runs_with_this_image_and_asks_eks_auth,
        agent::newcomer::eight_commands_make_a_pod_that_lists_a_bucket,
        agent::restarts::pods_that_ask_all_the_while_notice_no_upgrade_nor_the_death_of_an_agent_with_a_second,
        agent::soak::pods_that_come_and_go_cost_what_they_must_and_leave_nothing,
        agent::sdks::sdks_get_credentials_of_the_associated_role_from_the_nodes_agent,
        attacks::one_replica_gives_every_pod_its_role_while_a_user_does_his_worst,
        attacks::two_replicas_give_every_pod_its_role_while_a_user_does_his_worst,
        disruption::nothing_is_lost_by_endpoint,
        disruption::nothing_is_lost_by_the_services_address,
        upgrade::go_webhooks_manifests_are_replaced_without_a_gap,
        upgrade::jkroepkes_chart_is_replaced_without_a_gap,
        upgrade::previous_chart_is_upgraded_without_a_gap,
        rights::every_verb_of_the_sources_is_needed_and_no_other_is_allowed,
        cert_manager::certificate_is_asked_for_and_its_authority_injected,
        first_install::one_command_is_enough_and_the_next_pod_has_its_role,
        static_pod::api_server_calls_the_static_pod_beside_it,
        readme::examples_of_sources_give_what_the_table_says,
        rotation::nobody_notices_rotations_of_seconds,
        replicas::a_killed_replica_costs_nothing_but_the_calls_that_die_with_it,
        associations::policy::an_association_of_a_forbidden_role_is_refused_and_so_are_pods_of_an_older_one,
        associations::newcomer::five_commands_make_a_pod_with_a_role,
        associations::many::five_thousand_are_listed_within_seconds_and_read_by_the_webhook,
    ];
    // They restart the API server again and again, and its clients wait longer each time: nobody comes after them.
    let last = cases![
        issuer::newcomer::eleven_commands_make_an_issuer_and_a_pod_with_a_role,
        issuer::published::three_verifiers_take_pods_tokens_by_what_was_published,
        issuer::rotation::no_token_is_refused_while_the_key_is_exchanged,
    ];
    shared.into_iter().chain(own_webhook.map(Case::with_own_webhook)).chain(last).collect()
}
