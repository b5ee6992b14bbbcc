// Package journal keeps what a [bandit.Policy] decides and learns in an append-only journal, so that a process may be killed at any
// moment: nothing that was acknowledged is lost, nothing counts twice.
//
//	policy, err := bandit.New(bandit.Thompson{}, bandit.Config{})
//	j, err := journal.Open("/var/lib/feed/bandit", policy, journal.Options{})
//	p, err := recsys.NewPipeline(…, recsys.Explore(j), recsys.Log(sink)).Build()
//	defer p.Close(ctx) // closes j
//
//	err = p.Learn(ctx, feedback) // nil: it is on the disk
//	err = j.Checkpoint(ctx)      // every some minutes
//
// [Open] brings the policy to where it was: the newest snapshot that can be read, and the records after it through the code that
// Explore and Learn go through. The result equals, to the bit, a policy that went through all records once.
//
// # What is guaranteed
//
// When the process ends, however it does (SIGKILL, out of memory, panic), and the machine does not:
//   - Feedback that Learn acknowledged, with a nil error or one about single records, is recovered.
//   - Feedback that was on its way may be recovered or not; the client that was not told gives it again, and it counts once, if it has
//     a [recsys.Feedback].ID or is of one kind per item. It counts at most once in any case.
//   - What is recovered is a prefix of what happened: with feedback its decision, with a decision all feedback that it was made from.
//   - Decisions that nobody waited for may be lost if they were made in the last moments, some microseconds unless the disk is behind. Their
//     slates may have been shown; feedback for them is then [bandit.Stats].Unmatched.
//
// When the power fails, or the operating system does, the same holds with Options.SyncEvery 0, as far as the disk keeps what it
// confirmed; of decisions up to a second may be lost. With SyncEvery above 0 what was acknowledged since the last sync may be lost as well.
//
// When a file cannot be written or synced the journal stops at once and for good, since what a failed sync left behind cannot be known: Learn
// returns the [*WriteError] and learns nothing, [Stats].Err has it, Explore serves on. The remedy is a restart, on a disk
// that works.
//
// One process has a folder, held by a lock on the file "lock", which the system gives free when the process ends. Where there is no such lock
// (systems other than Linux, the BSDs, macOS and Windows) it is up to the caller.
//
// # Files
//
// Segments, named by the number of their first record in 16 hexadecimal digits, "0000000000000001.journal", and snapshots, named by the number of
// the last record that they know, "00000000000003e8.snapshot". Two snapshots are kept, and the segments after the older one.
// A segment is a header and frames, little endian:
//
//	header  0 "recsyjl\x1a"   8 uint64 layout version   16 uint64 number of the first record
//	       24 uint64 hash of the policy's Version   32 zeros   60 uint32 check of bytes 0 to 59
//	frame   0 uint32 bytes of payload   4 uint32 check of all others   8 uint64 number   16 payload
//
// A check is a CRC-32C. Numbers count up by 1. Before a batch of records there may be a mark, a frame whose payload is the byte 0x7f: all records up
// to its number had been synced when it was written. A segment is synced before the next one is begun, and a header before its records.
//
// So a reader can tell a torn tail from damage. What is no whole frame at the end of the last segment, and not proven by a later mark
// or a snapshot to have been synced, was never complete: it is cut off, and [Recovery] counts its bytes. Anything else is a [*FileError] that names file and
// offset, and nothing is recovered; what a failing disk does to the very last batch before a crash is the one damage that looks like a torn tail. A
// snapshot that is damaged gives way to the one before it, and that to the journal from record 1 on, if it is still there.
//
// A snapshot is an envelope with the number, and the envelope of [bandit.Policy.WriteTo].
package journal
