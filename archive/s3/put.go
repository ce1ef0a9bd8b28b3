package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
)

// Put implements archive.Store. The content is read once to check it, unless it
// is in memory and was checked, and once to send it. A Put that was cancelled
// after its bytes were accepted may have stored them nonetheless.
func (s *Store) Put(ctx context.Context, name string, b archive.Blob) error {
	if err := archive.ValidName(name); err != nil {
		return err
	}
	if err := s.put(ctx, name, b); err != nil {
		return fmt.Errorf("could not store %s: %w", name, mapError(err))
	}
	return nil
}

func (s *Store) put(ctx context.Context, name string, b archive.Blob) error {
	// A server that does not check would store wrong bytes under this name for
	// ever.
	if !b.Checked() {
		if err := check(ctx, b); err != nil {
			return err
		}
	}
	if !b.Replace && !s.habits.guards() {
		if found, err := s.look(ctx, name, b); found || err != nil {
			return err
		}
	}
	info, err := s.send(ctx, name, b)
	// A server that refuses a large object at once can close the connection
	// before we have read its reason.
	if err != nil && !b.Replace && (isTaken(err) || !isAnswer(err)) {
		found, lookErr := s.look(ctx, name, b)
		if isTaken(err) || found && (lookErr == nil || errors.Is(lookErr, archive.ErrConflict)) {
			return lookErr
		}
	}
	if err != nil {
		return err
	}
	if err := s.confirm(ctx, name, b, info); err != nil {
		return err
	}
	if !b.Replace && !s.habits.guardKnown() && b.Size <= maxTry {
		s.tryGuard(ctx, name, b)
	}
	return nil
}

// check reads b and returns an error unless it has its size and hash.
func check(ctx context.Context, b archive.Blob) error {
	src, err := b.OpenChecked()
	if err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, contextReader{ctx, src}); err != nil {
		src.Close() // the error that matters is the one from reading
		return err
	}
	return src.Close()
}

// look reports whether the object exists. It returns archive.ErrConflict if the
// object has other content than b.
func (s *Store) look(ctx context.Context, name string, b archive.Blob) (found bool, err error) {
	same, _, err := s.compare(ctx, name, b)
	switch {
	case errors.Is(mapError(err), fs.ErrNotExist):
		return false, nil
	case err == nil && !same:
		err = archive.ErrConflict
	}
	return true, err
}

// send puts b with headers that the server accepts.
func (s *Store) send(ctx context.Context, name string, b archive.Blob) (info minio.UploadInfo, err error) {
	for _, h := range s.habits.headers(!b.Replace) {
		info, err = s.sendOnce(ctx, name, b, h)
		for tries := 1; tries < 4 && isMomentary(err); tries++ {
			info, err = s.sendOnce(ctx, name, b, h)
		}
		if !isRefusal(err) {
			if err == nil && !h.sum {
				s.habits.noSums.Store(true)
			}
			break
		}
	}
	return info, err
}

// sendOnce opens b and sends it.
func (s *Store) sendOnce(ctx context.Context, name string, b archive.Blob, h headers) (minio.UploadInfo, error) {
	open := b.OpenChecked
	if b.Checked() {
		open = b.Open // the server hashes it anyway
	}
	src, err := open()
	if err != nil {
		return minio.UploadInfo{}, err
	}
	info, err := s.request(ctx, name, b, h, src)
	if closeErr := src.Close(); err == nil {
		err = closeErr
	}
	return info, err
}

// request makes one PUT request with the content src of b.
func (s *Store) request(ctx context.Context, name string, b archive.Blob, h headers, src io.Reader) (minio.UploadInfo, error) {
	opts := s.keep(name)
	opts.ContentType = "application/octet-stream"
	// Sign the hash of the whole payload, not of each piece: that is simpler, and
	// the same with http and https.
	opts.DisableContentSha256 = true
	opts.DisableMultipart = true // as Core does anyway
	if h.sum {
		opts.UserMetadata = map[string]string{"x-amz-checksum-sha256": checksum(b)}
	}
	if h.guard {
		opts.SetMatchETagExcept("*") // If-None-Match: only if there is no such object
	}
	body := &bodyReader{src: src}
	defer body.end()
	return s.core.PutObject(ctx, s.bucket, s.prefix+name, body, b.Size,
		"", hex.EncodeToString(b.SHA256[:]), opts)
}

// confirm asks the server what it stored.
func (s *Store) confirm(ctx context.Context, name string, b archive.Blob, info minio.UploadInfo) error {
	same, read, err := s.compare(ctx, name, b)
	if read {
		s.habits.noSums.Store(true)
	}
	if errors.Is(mapError(err), fs.ErrNotExist) {
		return fmt.Errorf("the store accepted the object and does not have it: %v", err)
	}
	if err != nil {
		return err
	}
	// Content that another Put has replaced already was stored nonetheless, if
	// the server's answer named its checksum.
	if !same && !(b.Replace && info.ChecksumSHA256 == checksum(b)) {
		return errors.New("the store accepted the object and has other content")
	}
	return nil
}

// compare reports whether the object has the content of b. It uses the server's
// checksum, or reads the object if there is none.
func (s *Store) compare(ctx context.Context, name string, b archive.Blob) (same, read bool, err error) {
	info, err := s.stat(ctx, name)
	if err != nil || info.Size != b.Size {
		return false, false, err
	}
	if sum, ok := s.kept(info); ok {
		return sum == b.SHA256, false, nil
	}
	r, err := s.Get(ctx, name, 0, -1)
	if err != nil {
		return false, true, err
	}
	defer r.Close() // only read from
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(r, b.Size+1)); err != nil {
		return false, true, err
	}
	return [sha256.Size]byte(h.Sum(nil)) == b.SHA256, true, nil
}

// stat asks for an object, with its checksum if the server accepts that.
func (s *Store) stat(ctx context.Context, name string) (minio.ObjectInfo, error) {
	asking := !s.habits.noSumMode.Load()
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{Checksum: asking})
	if asking && isVague(err) {
		info, err = s.core.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{})
		if !isVague(err) {
			s.habits.noSumMode.Store(true)
		}
	}
	if isVague(err) {
		r, getErr := s.get(ctx, name, 0, 1)
		if getErr == nil {
			return info, errors.Join(err, r.Close())
		}
		return info, getErr
	}
	if _, ok := s.kept(info); ok && err == nil && !s.habits.echoKnown.Load() {
		err = s.tryEcho(ctx, name)
	}
	return info, err
}

// kept returns the SHA-256 that the server stores for an object's content. ok is
// false if it has none: for an object that others put without one or in parts (a
// hash of hashes that ends in "-N"), and for a server that only repeats what it
// was sent.
func (s *Store) kept(info minio.ObjectInfo) (sum [sha256.Size]byte, ok bool) {
	if s.habits.noSums.Load() {
		return sum, false
	}
	b, err := base64.StdEncoding.DecodeString(info.ChecksumSHA256)
	if err != nil || len(b) != sha256.Size {
		return sum, false
	}
	return [sha256.Size]byte(b), true
}

// checksum returns the SHA-256 as S3 writes it.
func checksum(b archive.Blob) string { return base64.StdEncoding.EncodeToString(b.SHA256[:]) }

// isAnswer reports whether err is a server's answer, and not a failure on the
// way.
func isAnswer(err error) bool {
	var resp minio.ErrorResponse
	return errors.As(err, &resp)
}

// isTaken reports whether err means that a condition was not met: there is an
// object of that name.
func isTaken(err error) bool {
	return minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed
}
