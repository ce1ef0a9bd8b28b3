package s3

import (
	"context"
	"sync/atomic"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
)

// Servers speak S3 more or less. What one does is found out as it answers, and
// remembered while the Store is open:
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
//   - rclone serve s3 v1.73.1 ignores If-None-Match, and what it says of the
//     checksum is what it was told, whatever it holds. It lists out of order, too,
//     and so is not fit for an archive. Seen here.
type habits struct {
	guard     atomic.Int32 // what becomes of If-None-Match: see below
	noSums    atomic.Bool  // refuses the checksum of an object, or keeps none, or only repeats it
	echoKnown atomic.Bool  // whether it repeats is known
	noSumMode atomic.Bool  // refuses to be asked for it
}

// What a server does with If-None-Match.
const (
	guardUnknown  = iota
	guardHonoured // a name that is taken is refused
	guardMissing  // it is refused, or ignored
)

func (s *habits) guards() bool     { return s.guard.Load() == guardHonoured }
func (s *habits) guardKnown() bool { return s.guard.Load() != guardUnknown }

// headers are what a PUT request carries beside its content: its checksum, and
// the condition that there be no such object.
type headers struct{ sum, guard bool }

// headers returns what to try, one after another while the server refuses. Few
// servers say which of them they do not like.
func (s *habits) headers(guard bool) []headers {
	sums, guards := []bool{true, false}, []bool{true, false}
	if s.noSums.Load() {
		sums = sums[1:]
	}
	switch {
	case !guard || s.guard.Load() == guardMissing:
		guards = guards[1:]
	case s.guards():
		guards = guards[:1] // it did before: what is refused now is something else
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

// tryGuard puts an object that is there with the same content once more, under
// the condition that it is not there, and so learns whether the server honours
// that without writing anything else.
func (s *Store) tryGuard(ctx context.Context, name string, b archive.Blob) {
	_, err := s.sendOnce(ctx, name, b, headers{sum: !s.habits.noSums.Load(), guard: true})
	switch {
	case isTaken(err):
		s.habits.guard.Store(guardHonoured)
	case err == nil, isRefusal(err):
		s.habits.guard.Store(guardMissing)
	}
	// Anything else says nothing, and the next Put tries again.
}

// tryEcho asks for an object without asking for its checksum. A server that
// computed one does not tell it then; one that keeps whatever it is sent beside an
// object does.
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
