// Package s3 keeps an archive's objects in a bucket of Amazon S3, or of another
// server that speaks its protocol.
//
// One object is one PUT of known size. Multipart uploads are never used: a
// condition does not hold for them (minio-go 7.4.1 puts If-None-Match on their
// beginning, where servers ignore it), they leave parts behind, and a segment is
// small anyway.
//
// Each PUT carries the SHA-256 of its content twice, and the server refuses it if
// the bytes that arrive have another: as the payload hash that the signature
// covers, which every server checks, and as the object's checksum, which most
// keep. Put then asks what is stored before it reports success. If the server
// keeps no checksums, it reads the object back.
//
// The object's names tell what a Store's names tell. Content type and metadata
// are the same for all objects.
//
// What a key must be allowed to do, on PREFIX/* of the bucket: s3:PutObject,
// s3:GetObject, s3:DeleteObject (to prune), and s3:ListBucket on the bucket with
// that prefix. The server must honour If-None-Match on PutObject; Amazon S3 and
// MinIO do.
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
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
)

// A Store is an archive.Store and an archive.Prefixer over a bucket.
type Store struct {
	core   minio.Core
	bucket string
	prefix string // "" or ending in a slash

	transport *http.Transport
	stall     time.Duration // how long a connection may make no progress
	page      int           // objects per listing request; 0 is the server's choice
}

var (
	_ archive.Store    = (*Store)(nil)
	_ archive.Prefixer = (*Store)(nil)
	_ archive.Summer   = (*Store)(nil)
)

// Open returns the store in a bucket, after asking the server for the first
// object of its listing. The error wraps archive.ErrNoStore if the bucket is
// missing, and archive.ErrDenied if the server does not accept the key, or the
// key may not list.
func Open(ctx context.Context, c Config) (*Store, error) {
	s, err := newStore(c)
	if err != nil {
		return nil, err
	}
	for object := range s.core.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{
		Prefix: s.prefix, Recursive: true, MaxKeys: 1, FetchOwner: new(bool),
	}) {
		err = object.Err
		break
	}
	if err == nil {
		err = ctx.Err() // which ends a listing without an error
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("could not open %v: %w", c, mapError(err))
	}
	return s, nil
}

// newStore returns the Store without a word to the server.
func newStore(c Config) (*Store, error) {
	_, secure, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	prefix, err := c.keyPrefix()
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, err
	}
	core, err := newCore(c, transport)
	if err != nil {
		return nil, err
	}
	s := &Store{core: core, bucket: c.Bucket, prefix: prefix, transport: transport, stall: 2 * time.Minute}
	transport.DialContext = s.dial(transport.DialContext)
	return s, nil
}

func newCore(c Config, transport http.RoundTripper) (minio.Core, error) {
	creds, err := c.credentials()
	if err != nil {
		return minio.Core{}, err
	}
	host, secure, err := c.endpoint()
	if err != nil {
		return minio.Core{}, err
	}
	core, err := minio.NewCore(host, &minio.Options{
		Creds:     creds,
		Secure:    secure,
		Region:    c.Region,
		Transport: transport,
		// Once more, for the request that learns the bucket's region from the
		// refusal. To wait for a server to come back is archive.Retry's.
		MaxRetries: 2,
	})
	if err != nil {
		return minio.Core{}, fmt.Errorf("could not use %v: %w", c, err)
	}
	return *core, nil
}

// Close drops the idle connections. The Store stays usable.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// Put implements archive.Store. It reads the content to check it, unless it is
// in memory and was checked, and again to send it. The object is the caller's
// once it was accepted; a Put that was cancelled after that may have stored it
// nonetheless.
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
	// A server that checks nothing would store what it is sent, and under this
	// name for ever.
	open := b.OpenChecked
	if b.Checked() {
		open = b.Open // the server hashes it anyway
	} else if err := check(ctx, b); err != nil {
		return err
	}
	info, err := s.openAndSend(ctx, name, b, open)
	// A MinIO server says that access is denied also where the removal of the
	// last object beside this one took their folder from its disk meanwhile
	// (cmd/os-reliable.go). Who is really refused is refused again.
	for tries := 1; tries < 4 && minio.ToErrorResponse(err).Code == minio.AccessDenied; tries++ {
		info, err = s.openAndSend(ctx, name, b, open)
	}
	if !b.Replace && minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		same, err := s.compare(ctx, name, b)
		if err == nil && !same {
			err = archive.ErrConflict
		}
		return err
	}
	if err != nil {
		return err
	}
	same, err := s.compare(ctx, name, b)
	if errors.Is(mapError(err), fs.ErrNotExist) {
		return fmt.Errorf("the store accepted the object and does not have it: %v", err)
	}
	if err != nil {
		return err
	}
	// Content that is replaced again at once was accepted nonetheless, if the
	// server said which it accepted.
	if !same && !(b.Replace && info.ChecksumSHA256 == checksum(b)) {
		return errors.New("the store accepted the object and has other content")
	}
	return nil
}

// check reads b to see that it is what it says.
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

// openAndSend sends b as open gives it.
func (s *Store) openAndSend(ctx context.Context, name string, b archive.Blob, open func() (io.ReadCloser, error)) (minio.UploadInfo, error) {
	src, err := open()
	if err != nil {
		return minio.UploadInfo{}, err
	}
	info, err := s.send(ctx, name, b, src)
	if closeErr := src.Close(); err == nil {
		err = closeErr
	}
	return info, err
}

// send makes the PUT request.
func (s *Store) send(ctx context.Context, name string, b archive.Blob, src io.Reader) (minio.UploadInfo, error) {
	opts := minio.PutObjectOptions{
		ContentType:  "application/octet-stream",
		UserMetadata: map[string]string{"x-amz-checksum-sha256": checksum(b)},
		// The whole payload's hash is signed, not one of each piece sent: plainer
		// on the wire, and the same with http and https.
		DisableContentSha256: true,
		DisableMultipart:     true, // as Core does anyway
	}
	if !b.Replace {
		opts.SetMatchETagExcept("*") // If-None-Match: only if there is no such object
	}
	body := &bodyReader{src: src}
	defer body.end()
	return s.core.PutObject(ctx, s.bucket, s.prefix+name, body, b.Size,
		"", hex.EncodeToString(b.SHA256[:]), opts)
}

// compare reports whether the object has the content of b: by the checksum that
// the server keeps, or else by reading it.
func (s *Store) compare(ctx context.Context, name string, b archive.Blob) (same bool, err error) {
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return false, err
	}
	if info.Size != b.Size {
		return false, nil
	}
	if sum, ok := kept(info); ok {
		return sum == b.SHA256, nil
	}
	r, err := s.Get(ctx, name, 0, -1)
	if err != nil {
		return false, err
	}
	defer r.Close() // only read from
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return false, err
	}
	return [sha256.Size]byte(h.Sum(nil)) == b.SHA256, nil
}

// Sum implements archive.Summer, with one HEAD request: the server computed the
// checksum when the object arrived.
func (s *Store) Sum(ctx context.Context, name string) (archive.Sum, error) {
	if err := archive.ValidName(name); err != nil {
		return archive.Sum{}, err
	}
	info, err := s.core.StatObject(ctx, s.bucket, s.prefix+name, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return archive.Sum{}, fmt.Errorf("could not ask for %s: %w", name, mapError(err))
	}
	sum, ok := kept(info)
	if !ok {
		return archive.Sum{}, fmt.Errorf("the store keeps no SHA-256 of %s: %w", name, errors.ErrUnsupported)
	}
	return archive.Sum{Size: info.Size, SHA256: sum}, nil
}

// kept returns the SHA-256 that the server keeps of an object's content. There
// is none of what someone else put without, or in parts: then it is a hash of
// hashes, which ends in "-N".
func kept(info minio.ObjectInfo) (sum [sha256.Size]byte, ok bool) {
	b, err := base64.StdEncoding.DecodeString(info.ChecksumSHA256)
	if err != nil || len(b) != sha256.Size {
		return sum, false
	}
	return [sha256.Size]byte(b), true
}

// checksum returns the SHA-256 as S3 writes it.
func checksum(b archive.Blob) string { return base64.StdEncoding.EncodeToString(b.SHA256[:]) }

// Delete implements archive.Store. In a bucket with versions it adds a marker,
// and the content stays; Purge removes it too.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := archive.ValidName(name); err != nil {
		return err
	}
	err := mapError(s.core.RemoveObject(ctx, s.bucket, s.prefix+name, minio.RemoveObjectOptions{}))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("could not delete %s: %w", name, err)
	}
	return nil
}

// mapError makes err match the errors of the Store contract.
func mapError(err error) error {
	var resp minio.ErrorResponse
	if !errors.As(err, &resp) {
		return err
	}
	switch resp.Code {
	case minio.NoSuchKey:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case minio.NoSuchBucket:
		return fmt.Errorf("%w: %w", archive.ErrNoStore, err)
	case "XMinioParentIsObject", "XMinioObjectExistsAsDirectory": // a MinIO server's own
		return fmt.Errorf("%w: %w", archive.ErrConflict, err)
	}
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		// The code tells a wrong key from a missing permission or a wrong clock.
		return fmt.Errorf("%w: %w (%s)", archive.ErrDenied, err, resp.Code)
	}
	return err
}
