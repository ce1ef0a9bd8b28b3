package servers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/sealtape/sealtape/testdata/servers/build"
)

// An S3 is a running server that speaks S3. Its data goes when it stops.
type S3 struct {
	*process
	Endpoint  string // http://127.0.0.1:PORT
	AccessKey string // of the root user
	SecretKey string
}

// newS3 returns one with credentials of its own that is yet to be started.
func newS3() S3 { return S3{AccessKey: rand.Text()[:16], SecretKey: rand.Text() + rand.Text()} }

// StartVersityGW starts a Versity S3 gateway on a folder of its own and returns
// once it answers. The context is for the start only; progress may be nil.
func StartVersityGW(ctx context.Context, progress func(string)) (*S3, error) {
	path, err := build.VersityGW.Path(ctx, progress)
	if err != nil {
		return nil, err
	}
	s := newS3()
	return s.start(ctx, "versitygw", path, "/health", func(dir, addr string) []string {
		// What it knows of an object is in extended attributes of the file, which most
		// file systems have by now. With --sidecar it keeps that beside, and of
		// several who put one new name at once more than one was seen to succeed.
		return []string{"--port", addr, "--health", "/health", "--quiet", "posix", filepath.Join(dir, "data")}
	}, "ROOT_ACCESS_KEY_ID="+s.AccessKey, "ROOT_SECRET_ACCESS_KEY="+s.SecretKey)
}

// StartRclone starts "rclone serve s3" on a folder of its own and returns once it
// answers. The context is for the start only; progress may be nil.
func StartRclone(ctx context.Context, progress func(string)) (*S3, error) {
	path, err := build.Rclone.Path(ctx, progress)
	if err != nil {
		return nil, err
	}
	s := newS3()
	return s.start(ctx, "rclone", path, "/", func(dir, addr string) []string {
		return []string{"serve", "s3", "--config", "", "--addr", addr, filepath.Join(dir, "data")}
	}, `RCLONE_AUTH_KEY="`+s.AccessKey+","+s.SecretKey+`"`)
}

// start starts a server that answers at the path up. args makes its arguments, for
// its own folder, in which it finds the folder data, and the address.
func (s S3) start(ctx context.Context, name, path, up string, args func(dir, addr string) []string, env ...string) (*S3, error) {
	var err error
	s.process, err = retryPorts(func() (*process, error) {
		ports, err := FreePorts(1)
		if err != nil {
			return nil, err
		}
		addr := fmt.Sprintf("127.0.0.1:%d", ports[0])
		s.Endpoint = "http://" + addr
		dir, err := os.MkdirTemp("", "sealtape-"+name+"-")
		if err != nil {
			return nil, err
		}
		if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		return startIn(ctx, dir, name, path, args(dir, addr), env, s.Endpoint+up)
	})
	if err != nil {
		return nil, err
	}
	return &s, nil
}

// Bucket creates a bucket.
func (s *S3) Bucket(ctx context.Context, name string) error {
	return s.asRoot(func(client *minio.Client) error {
		if err := client.MakeBucket(ctx, name, minio.MakeBucketOptions{}); err != nil {
			return fmt.Errorf("could not create the bucket %s: %w", name, err)
		}
		return nil
	})
}

// Policy sets the policy of a bucket, "" for none.
func (s *S3) Policy(ctx context.Context, bucket, policy string) error {
	return s.asRoot(func(client *minio.Client) error {
		if err := client.SetBucketPolicy(ctx, bucket, policy); err != nil {
			return fmt.Errorf("could not set the policy of %s: %w", bucket, err)
		}
		return nil
	})
}

// asRoot calls f with a client that may do everything.
func (s *S3) asRoot(f func(*minio.Client) error) error {
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		return err
	}
	transport, err := minio.DefaultTransport(false)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	client, err := minio.New(u.Host, &minio.Options{
		Creds:     credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""),
		Region:    "us-east-1",
		Transport: transport,
	})
	if err != nil {
		return err
	}
	return f(client)
}
