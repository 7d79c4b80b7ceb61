//! One suite over every implementation of `Directory`, `Leases` and `Bus`: each case runs in memory, on a real Redis of
//! its own, on a Redis Cluster and over Sentinel. What only Redis can do wrong is in `redis_faults` and `failovers`.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed case")]

mod assertions;
mod buses;
mod deafness;
mod failovers;
mod leases;
mod members;
mod moves;
mod names;
mod odd_records;
mod peers;
mod people;
mod random_steps;
mod redis_faults;
mod redis_rooms;
mod redis_tls;
mod refusals;
mod resumes;
mod revocations;
mod rooms;
mod stage;

use stage::{Stage, within};

/// Makes of each case a test in memory and one on a Redis of its own, and of all together one on a Redis Cluster and one
/// over Sentinel, whose processes take seconds to agree, and one on each other server that the environment names.
macro_rules! conformance {
    ($($module:ident { $($case:ident)+ })+) => {
        mod in_memory {
            $(mod $module { $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    crate::within(crate::$module::$case(&crate::Stage::memory())).await;
                }
            )+ })+
        }
        mod on_redis {
            $(mod $module { $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $case() {
                    crate::within(crate::$module::$case(&crate::Stage::redis())).await;
                }
            )+ })+
        }
        #[tokio::test(flavor = "multi_thread")]
        async fn every_case_holds_on_a_redis_cluster_also_after_a_master_was_lost() {
            let mut cluster = switchboard_testkit::RedisCluster::start();
            let url = cluster.url();
            $($(on_shared(&url, "before", stringify!($case), $module::$case).await;)+)+
            cluster.kill_master(0);
            $($(on_shared(&url, "after", stringify!($case), $module::$case).await;)+)+
        }
        #[tokio::test(flavor = "multi_thread")]
        async fn every_case_holds_on_each_other_server() {
            for program in switchboard_testkit::RedisServer::other_servers() {
                let name = program.display().to_string();
                let server = switchboard_testkit::RedisServer::start_program(&program);
                let url = server.url();
                $($(on_shared(&url, &name, stringify!($case), $module::$case).await;)+)+
            }
        }
        #[tokio::test(flavor = "multi_thread")]
        async fn every_case_holds_over_sentinel_also_after_a_failover() {
            let mut sentinel = switchboard_testkit::RedisSentinel::start();
            let url = sentinel.url();
            $($(on_shared(&url, "before", stringify!($case), $module::$case).await;)+)+
            sentinel.fail_over();
            $($(on_shared(&url, "after", stringify!($case), $module::$case).await;)+)+
        }
    };
}

/// Says which case it is: its name is not the test's.
async fn on_shared(url: &str, when: &str, name: &str, case: impl AsyncFn(&Stage)) {
    println!("{when}: {name}");
    within(async {
        let stage = Stage::shared(url.to_owned(), &format!("{when}-{name}")).await;
        case(&stage).await;
    })
    .await;
}

conformance! {
    rooms {
        the_first_one_in_creates_the_room
        a_room_is_called_as_people_call_it
        the_last_one_out_deletes_the_room
        the_second_one_in_makes_the_room_ready
        of_twenty_that_race_for_two_places_two_get_in
        a_full_room_says_its_capacity
        a_room_that_may_not_be_created_is_not
        revisions_and_orders_never_go_back
        the_nodes_to_tell_are_named_once
        a_forgotten_bucket_refuses_until_it_is_opened
    }
    members {
        a_repeated_join_answers_the_same_and_changes_nothing
        a_repeated_leave_changes_nothing
        a_higher_epoch_takes_the_place_over
        a_join_takes_its_place_back_from_whoever_keeps_it
        a_lower_epoch_is_refused
        hidden_members_count_for_nothing
        a_hidden_member_stays_hidden_under_a_new_epoch
        a_member_that_is_looked_up_is_as_the_roster_has_it
        an_update_replaces_the_profile
        odd_characters_come_back_as_they_went
    }
    moves {
        a_member_goes_away_and_comes_back_elsewhere
        whoever_needs_no_whole_room_gets_his_own_place
        a_lower_epoch_takes_nothing_over
        a_hidden_member_moves_and_stays_hidden
        in_a_full_room_one_s_own_away_session_makes_room
        the_first_of_several_makes_room_and_no_hidden_one
        a_room_for_one_passes_from_one_to_the_next
        a_kept_place_is_left_only_for_the_node_that_keeps_it
    }
    names {
        a_name_is_held_by_one_and_told_apart_byte_by_byte
        a_name_is_free_once_its_holder_has_left
        a_claim_takes_a_name_from_whom_it_may
        a_repeated_claim_answers_the_same_and_changes_nothing
        whoever_takes_a_name_over_gets_into_a_full_room
        a_name_moves_with_its_member
        a_member_takes_another_name_in_one_step
        whoever_is_called_otherwise_takes_a_name_from_whom_it_may
        a_higher_epoch_keeps_its_name_takes_another_or_gives_it_back
        a_hidden_member_claims_nothing
        a_name_is_looked_up_for_whoever_holds_it
        of_many_that_claim_a_name_at_once_one_holds_it
        a_forgotten_name_is_asserted_with_its_member
        of_two_that_are_asserted_to_hold_a_name_the_later_one_does
    }
    assertions {
        a_forgotten_room_is_put_together_again
        of_what_is_asserted_the_highest_counts
        a_room_whose_revision_is_behind_is_taken_above_and_closed_with_its_bucket
        a_room_is_lifted_above_a_revision_once
        of_the_same_epoch_what_the_owner_says_is_written_over_what_is_there
        a_name_that_its_owner_took_last_is_taken_again
        a_higher_epoch_is_written_over_a_lower_one_only
        an_asserted_member_may_have_become_hidden_or_visible
        a_room_that_comes_back_starts_above_its_bucket
    }
    resumes {
        any_secret_from_the_proven_one_on_resumes
        of_two_that_resume_at_once_one_succeeds
        a_session_that_is_no_more_is_unknown
        what_may_have_been_lost_is_not_called_unknown
        buckets_are_closed_until_each_is_opened
        buckets_that_are_closed_keep_what_they_have
        a_forgotten_session_is_written_again
        an_asserted_session_yields_to_its_owner
        what_a_client_has_shown_is_known_for_its_epoch
    }
    peers {
        an_attach_names_the_former_owner_and_so_does_its_repeat
        a_lower_epoch_cannot_attach
        intended_rooms_are_kept_for_the_known_epoch
        a_late_goodbye_does_not_forget_the_successor
        a_user_has_so_many_sessions_and_no_more
        a_race_of_sessions_admits_the_limit
        a_session_is_away_until_somebody_takes_it
        of_two_that_evict_a_session_one_gets_it
        a_node_s_peers_are_noted_and_struck_out
    }
    revocations {
        a_user_s_older_tokens_are_cut_off
        the_directory_s_clock_says_when_now_is
        the_log_is_read_in_order_and_on_from_where_it_was_left
        a_long_log_is_read_to_its_end
        a_log_that_was_lost_is_read_from_its_start_and_written_once
        a_loss_is_noticed_also_after_something_new_was_written
        what_may_be_forgotten_makes_room
    }
    leases {
        a_node_registers_once
        a_renewal_raises_the_counter
        of_two_that_claim_a_node_one_succeeds
        a_node_that_moved_cannot_be_claimed
        a_claimed_node_can_neither_renew_nor_release
        a_claim_lapses_to_the_next_with_the_entry_as_seen
        only_its_claimer_buries_a_node
        a_released_node_is_gone
        nodes_that_start_together_agree_on_one_key
        of_two_keys_the_one_of_the_higher_generation_stays
        an_abandoned_node_may_be_claimed_at_once
    }
    buses {
        frames_arrive_in_order
        nobody_there_is_told_as_none
        a_frame_reaches_only_its_node
        a_frame_may_be_large
        a_burst_arrives_whole
    }
}
