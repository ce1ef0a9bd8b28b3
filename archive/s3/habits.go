package s3

import (
	"context"
	"sync/atomic"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
)

// Servers differ in how much of S3 they speak. A Store learns what its server
// does from its answers, and remembers it while it is open. Known differences:
//
//   - Backblaze B2 refuses x-amz-checksum-* (400 InvalidArgument), also
//     x-amz-checksum-mode of a HEAD, and If-None-Match (501 NotImplemented).
//     iterate-ch/cyberduck#16107, vatesfr/xen-orchestra#8358,
//     sathinduga/obsidian-s3-sync-and-backup#84
//   - Google Cloud Storage refuses the checksum (400 ExcessHeaderValues), and
//     ignores If-None-Match where it writes: the object is overwritten.
//     milvus-io/milvus-storage#480, ClickHouse/ClickHouse#115266
//   - Cloudflare R2 refused x-amz-checksum-* for long (501 NotImplemented), and
//     honours If-None-Match. cloudflare/cloudflare-docs#19236
//   - rclone serve s3 v1.73.1 ignores If-None-Match, and reports whatever
//     checksum it was sent, not that of its content. It also lists out of order,
//     and so is not fit for an archive. Seen here.
type habits struct {
	guard     atomic.Int32 // what the server does with If-None-Match: see below
	noSums    atomic.Bool  // refuses an object's checksum, stores none, or only repeats what it was sent
	echoKnown atomic.Bool  // whether it only repeats is known
	noSumMode atomic.Bool  // refuses to be asked for a checksum
}

// What a server does with If-None-Match.
const (
	guardUnknown  = iota
	guardHonoured // a taken name is refused
	guardMissing  // the header is refused, or ignored
)

func (s *habits) guards() bool     { return s.guard.Load() == guardHonoured }
func (s *habits) guardKnown() bool { return s.guard.Load() != guardUnknown }

// headers are what a PUT request carries besides its content: a checksum, and the
// condition that no such object exists.
type headers struct{ sum, guard bool }

// headers returns the combinations to try in order while the server refuses. Few
// servers say which header they refuse.
func (s *habits) headers(guard bool) []headers {
	sums, guards := []bool{true, false}, []bool{true, false}
	if s.noSums.Load() {
		sums = sums[1:]
	}
	switch {
	case !guard || s.guard.Load() == guardMissing:
		guards = guards[1:]
	case s.guards():
		guards = guards[:1] // it accepted the guard before, so it refuses something else now
	}
	var all []headers
	for _, g := range guards {
		for _, sum := range sums {
			all = append(all, headers{sum, g})
		}
	}
	return all
}

// maxTry is the largest object that is sent twice to learn what a server does.
const maxTry = 1 << 20

// tryGuard puts an existing object once more, with the same content and the
// condition that it does not exist. So it learns whether the server honours the
// condition, and changes nothing.
func (s *Store) tryGuard(ctx context.Context, name string, b archive.Blob) {
	_, err := s.sendOnce(ctx, name, b, headers{sum: !s.habits.noSums.Load(), guard: true})
	switch {
	case isTaken(err):
		s.habits.guard.Store(guardHonoured)
	case err == nil, isRefusal(err):
		s.habits.guard.Store(guardMissing)
	}
	// Any other answer proves nothing, and the next Put tries again.
}

// tryEcho asks for an object without asking for its checksum. A server that
// computes checksums then sends none. A server that only repeats what it was sent
// beside the object sends it anyway.
func (s *Store) tryEcho(ctx context.Context, name string) error {
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{})
	if err != nil {
		return err
	}
	if info.ChecksumSHA256 != "" {
		s.habits.noSums.Store(true)
	}
	s.habits.echoKnown.Store(true)
	return nil
}

// Limits implements archive.Store.
func (s *Store) Limits() archive.Limits {
	return archive.Limits{Unguarded: s.habits.guard.Load() == guardMissing, Unchecked: s.habits.noSums.Load()}
}
