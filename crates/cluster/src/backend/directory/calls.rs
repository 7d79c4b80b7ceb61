//! Every call of a directory, listed once, for what stands between a node and its directory and does the same with each.

/// Calls the macro `$each` once for each of the four traits, with the trait's name and its calls. The caller imports the
/// types that these name.
#[macro_export]
macro_rules! each_directory_call {
    ($each:ident) => {
        $each! { RoomDirectory {
            join(join: &JoinRequest) -> JoinOutcome;
            leave(room: &RoomId, peer: &PeerId, epoch: Epoch) -> LeaveOutcome;
            leave_kept(room: &RoomId, peer: &PeerId, epoch: Epoch, keeper: &NodeId) -> LeaveOutcome;
            update(room: &RoomId, peer: &PeerId, epoch: Epoch, profile: &Profile) -> UpdateOutcome;
            rename(rename: &Rename) -> RenameOutcome;
            take_over(wish: &TakeOver) -> TakeOverOutcome;
            assert_member(assert: &AssertMember) -> AssertOutcome;
            roster(room: &RoomId) -> RosterSnapshot;
            look_up(room: &RoomId, wanted: &PeerOrName) -> Sighting;
        } }
        $each! { BucketDirectory {
            open_bucket(bucket: Bucket) -> ();
            close_buckets() -> ();
            closed_buckets() -> Vec<Bucket>;
        } }
        $each! { PeerDirectory {
            attach(attach: &Attach) -> AttachOutcome;
            prove(peer: &PeerId, epoch: Epoch) -> bool;
            note_credential(peer: &PeerId, epoch: Epoch, credential: &Credential) -> bool;
            hand_over(peer: &PeerId, epoch: Epoch, from: &NodeId, to: &NodeId) -> bool;
            assert_peer(record: &PeerRecord) -> AssertPeerOutcome;
            intend(peer: &PeerId, epoch: Epoch, room: &RoomId, wanted: bool) -> bool;
            note_away(peer: &PeerId, epoch: Epoch, node: &NodeId) -> bool;
            presence(peer: &PeerId) -> Presence;
            evict(peer: &PeerId, epoch: Epoch, node: &NodeId) -> Option<NodeId>;
            peer(peer: &PeerId) -> Option<PeerRecord>;
            forget(peer: &PeerId, epoch: Epoch) -> bool;
            admit(admission: &Admission) -> Admitted;
            count(user: &UserId, peer: &PeerId, node: &NodeId) -> ();
            user_sessions(user: &UserId) -> Vec<PeerId>;
            dismiss(user: &UserId, peer: &PeerId) -> ();
            enlist(node: &NodeId, peer: &PeerId) -> ();
            delist(node: &NodeId, peer: &PeerId) -> ();
            enlisted(node: &NodeId) -> Vec<PeerId>;
        } }
        $each! { RevocationDirectory {
            cut_off(cut_off: &CutOff) -> ();
            revoke(new: &NewRevocation) -> Option<Revocation>;
            restore_log(lost: &LostEntries) -> Restored;
            log_after(position: &LogPosition) -> LogPage;
        } }
    };
}
