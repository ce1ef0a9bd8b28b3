// Package s3 stores an archive's objects in a bucket of Amazon S3, or of another
// server that speaks its protocol.
//
// One object is one PUT of known size. Multipart uploads are never used:
// conditions do not hold for them (minio-go 7.4.1 puts If-None-Match on the first
// request, where servers ignore it), they leave parts behind, and a segment is
// small anyway.
//
// Each PUT carries the SHA-256 of its content twice: as the payload hash that the
// signature covers, which nearly all servers check, and as the object's checksum,
// which most of them store. The server refuses the PUT if the bytes that arrive
// have another hash. Put then asks what is stored before it reports success. If
// the server stores no checksums, or refuses them, Put reads the object back.
//
// A new object is put under the condition that there is none of its name
// (If-None-Match). Some servers refuse that, and some ignore it. So Put looks
// first until it has seen that the server honours the condition, and Limits
// reports the result.
//
// A bucket shows no more than the names of objects do: content type and metadata
// are the same for all of them.
//
// The key needs these permissions on PREFIX/* of the bucket: s3:PutObject,
// s3:GetObject and s3:DeleteObject (to prune); and s3:ListBucket on the bucket
// with that prefix.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/sealtape/sealtape/archive"
)

// A Store is an archive.Store over a bucket.
type Store struct {
	core   minio.Core
	bucket string
	prefix string // "" or ending in a slash

	keep   func(name string) minio.PutObjectOptions // sets the options by which an object is stored
	habits habits                                   // of the server

	transport *http.Transport
	stall     time.Duration // how long a connection may make no progress
	page      int           // objects per listing request; 0 is the server's choice
}

var _ archive.Store = (*Store)(nil)

// Open returns the store in a bucket, after asking the server for the first
// object of its listing. The error wraps archive.ErrNoStore if the bucket is
// missing. It wraps archive.ErrDenied if the server does not accept the key, or
// the key may not list.
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
		err = ctx.Err() // the end of ctx ends a listing without an error
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("could not open %v: %w", c, mapError(err))
	}
	return s, nil
}

// newStore returns the Store without asking the server.
func newStore(c Config) (*Store, error) {
	_, secure, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	if err := s3utils.CheckValidBucketName(c.Bucket); err != nil {
		return nil, fmt.Errorf("%q is no name of a bucket: %w: %w", c.Bucket, fs.ErrInvalid, err)
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
	s := &Store{core: core, bucket: c.Bucket, prefix: prefix, keep: keeping(c), transport: transport, stall: 2 * time.Minute}
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
	lookup, ok := map[string]minio.BucketLookupType{"": minio.BucketLookupAuto, "host": minio.BucketLookupDNS, "path": minio.BucketLookupPath}[c.Style]
	if !ok {
		return minio.Core{}, fmt.Errorf("a bucket is named by host or path, not %q", c.Style)
	}
	core, err := minio.NewCore(host, &minio.Options{
		Creds:  creds,
		Secure: secure,
		Region: c.Region,

		BucketLookup: lookup,
		Transport:    transport,
		// One retry, for the request that learns the bucket's region from a
		// refusal. archive.Retry waits for servers that are down.
		MaxRetries: 2,
	})
	if err != nil {
		return minio.Core{}, fmt.Errorf("could not use %v: %w", c, err)
	}
	return *core, nil
}

// keeping returns a function that makes the options of a PUT request: class,
// encryption and retention.
func keeping(c Config) func(name string) minio.PutObjectOptions {
	var o minio.PutObjectOptions
	o.StorageClass = c.Class
	if c.KMS {
		o.ServerSideEncryption, _ = encrypt.NewSSEKMS(c.KMSKey, nil) // fails for a context only
	}
	if c.Retain > 0 {
		o.Mode = minio.Governance
		if c.Compliance {
			o.Mode = minio.Compliance
		}
	}
	return func(name string) minio.PutObjectOptions {
		o := o
		if c.Retain > 0 {
			retain := c.Retain
			if strings.HasPrefix(name, archive.ScratchPrefix) {
				retain = time.Minute
			}
			o.RetainUntilDate = time.Now().Add(retain).UTC()
		}
		return o
	}
}

// Close drops the idle connections. The Store stays usable.
func (s *Store) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// Delete implements archive.Store. In a bucket with versions it adds a deletion
// marker and the content stays; Purge removes both.
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
