//! One suite over every implementation of `Directory`, `Leases` and `Bus`: each case runs in memory and on a real Redis
//! of its own. What only Redis can do wrong is in `redis_faults`.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed case")]

mod buses;
mod leases;
mod members;
mod peers;
mod people;
mod redis_faults;
mod redis_rooms;
mod rooms;
mod stage;

use stage::{Stage, within};

/// Makes two tests of each case.
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
                    crate::within(async { crate::$module::$case(&crate::Stage::redis().await).await }).await;
                }
            )+ })+
        }
    };
}

conformance! {
    rooms {
        the_first_one_in_creates_the_room
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
        a_lower_epoch_is_refused
        hidden_members_count_for_nothing
        a_hidden_member_stays_hidden_under_a_new_epoch
        an_update_replaces_the_profile
        odd_characters_come_back_as_they_went
    }
    peers {
        an_attach_names_the_former_owner_and_so_does_its_repeat
        a_lower_epoch_cannot_attach
        intended_rooms_are_kept_for_the_known_epoch
        a_late_goodbye_does_not_forget_the_successor
        a_user_has_so_many_sessions_and_no_more
        a_race_of_sessions_admits_the_limit
        a_node_s_peers_are_noted_and_struck_out
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
    }
    buses {
        frames_arrive_in_order
        nobody_there_is_told_as_none
        a_frame_reaches_only_its_node
        a_frame_may_be_large
        a_burst_arrives_whole
    }
}
