package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

const bucket = "archives"

// minIO is a real one for all tests that ask for a server.
var minIO struct {
	once   sync.Once
	server *servers.MinIO
	err    error
}

// server returns the MinIO that the tests share, each under prefixes of its own.
func server(t testing.TB) *servers.MinIO {
	t.Helper()
	sample.Live(t)
	minIO.once.Do(func() {
		minIO.server, minIO.err = servers.StartMinIO(t.Context(), servers.MinIOConfig{Progress: func(s string) {
			fmt.Fprintln(os.Stderr, s)
		}})
		if minIO.err == nil {
			minIO.err = minIO.server.Bucket(t.Context(), bucket)
		}
	})
	if minIO.err != nil {
		t.Fatal(minIO.err)
	}
	return minIO.server
}

func TestMain(m *testing.M) {
	if os.Getenv(childSpool) != "" {
		child()
		return
	}
	code := m.Run()
	if minIO.server != nil {
		if err := minIO.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// config is for a fresh prefix in the bucket.
func config(t testing.TB) Config {
	t.Helper()
	m := server(t)
	return Config{
		Endpoint: m.Endpoint, Region: "us-east-1", Bucket: bucket, Prefix: "some folder/" + rand.Text(),
		AccessKey: m.AccessKey, SecretKey: m.SecretKey,
	}
}

func open(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Test(t, func(t *testing.T) archive.Store { return open(t, config(t)) })
}

// The same with pages of three, so that each listing takes several requests. Unless every
// case is to run, only what lists.
func TestStoreSmallPages(t *testing.T) {
	t.Parallel()
	suite := storetest.TestLists
	if sample.All() {
		suite = storetest.Test
	}
	suite(t, func(t *testing.T) archive.Store {
		s := open(t, config(t))
		s.page = 3
		return s
	})
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   error // nil for success
	}{
		{"right", func(*Config) {}, nil},
		{"no region", func(c *Config) { c.Region = "" }, nil},
		{"no prefix", func(c *Config) { c.Prefix = "" }, nil},
		{"wrong secret", func(c *Config) { c.SecretKey += "x" }, archive.ErrDenied},
		{"wrong secret, no region", func(c *Config) { c.SecretKey += "x"; c.Region = "" }, archive.ErrDenied},
		{"unknown key", func(c *Config) { c.AccessKey = "nobody" }, archive.ErrDenied},
		{"wrong token", func(c *Config) { c.SessionToken = "x" }, archive.ErrDenied},
		{"no key", func(c *Config) { c.AccessKey, c.SecretKey = "", "" }, archive.ErrDenied},
		{"missing bucket", func(c *Config) { c.Bucket = "no-such-bucket" }, archive.ErrNoStore},
		{"missing bucket, no region", func(c *Config) { c.Bucket = "no-such-bucket"; c.Region = "" }, archive.ErrNoStore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := config(t)
			tt.change(&c)
			s, err := Open(t.Context(), c)
			if err == nil {
				s.Close()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), c.SecretKey) && c.SecretKey != "" {
				t.Error("the error shows the secret key")
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, config(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// A request is what the store sent to the server.
type request struct {
	*http.Request
	size   int64
	answer http.Header
}

// recorder notes requests on their way.
type recorder struct {
	http.RoundTripper
	mu       sync.Mutex
	requests []request
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(req)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests = append(r.requests, request{req, req.ContentLength, resp.Header})
	}
	return resp, err
}

// record returns a store, and a function for the requests it made since.
func record(t *testing.T) (*Store, func() []request) {
	t.Helper()
	s, err := newStore(config(t))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{RoundTripper: s.transport}
	s.core, err = newCore(config(t), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, func() []request {
		r.mu.Lock()
		defer r.mu.Unlock()
		defer func() { r.requests = nil }()
		return r.requests
	}
}

// One object is one PUT, whatever its size, and says nothing about itself, once
// the first has shown what the server does: it is looked for before, and sent again
// to see that the name is taken.
func TestOnePut(t *testing.T) {
	t.Parallel()
	s, requests := record(t)
	if err := s.Put(t.Context(), "ID/epochs/1", archive.BytesBlob([]byte("1"))); err != nil {
		t.Fatal(err)
	}
	var methods []string
	for _, r := range requests() {
		methods = append(methods, r.Method)
	}
	if want := []string{"HEAD", "PUT", "HEAD", "HEAD", "PUT"}; !slices.Equal(methods, want) {
		t.Errorf("the first: %v, want %v", methods, want)
	}
	if s.Limits() != (archive.Limits{}) {
		t.Errorf("MinIO has limits: %+v", s.Limits())
	}
	for _, size := range []int{0, 1, 5 << 20, 17 << 20, 40 << 20} {
		b := archive.BytesBlob(bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size])
		name := fmt.Sprintf("ID/segments/%d", size)
		if err := s.Put(t.Context(), name, b); err != nil {
			t.Fatal(err)
		}
		var methods []string
		for _, r := range requests() {
			methods = append(methods, r.Method)
			if r.URL.RawQuery != "" {
				t.Errorf("%d bytes: %s with the query %s", size, r.Method, r.URL.RawQuery)
			}
			if r.Method != http.MethodPut {
				continue
			}
			if r.size != int64(size) {
				t.Errorf("%d bytes: sent %d, so not as they are", size, r.size)
			}
			want := http.Header{
				"Content-Type":          {"application/octet-stream"},
				"If-None-Match":         {"*"},
				"X-Amz-Checksum-Sha256": {checksum(b)},
				"X-Amz-Content-Sha256":  {fmt.Sprintf("%x", b.SHA256)},
				"Authorization":         r.Header["Authorization"],
				"X-Amz-Date":            r.Header["X-Amz-Date"],
				"User-Agent":            r.Header["User-Agent"],
			}
			if !maps.EqualFunc(r.Header, want, slices.Equal) {
				t.Errorf("%d bytes: header is %v", size, slices.Sorted(maps.Keys(r.Header)))
			}
		}
		if !slices.Equal(methods, []string{"PUT", "HEAD"}) {
			t.Errorf("%d bytes: %v, want a PUT and a HEAD to confirm it", size, methods)
		}
		info, err := s.core.StatObject(t.Context(), bucket, s.prefix+name, minio.StatObjectOptions{Checksum: true})
		if err != nil {
			t.Fatal(err)
		}
		if info.ChecksumSHA256 != checksum(b) || info.Size != b.Size {
			t.Errorf("%d bytes: the server keeps checksum %s and size %d", size, info.ChecksumSHA256, info.Size)
		}
		if info.ContentType != "application/octet-stream" || len(info.UserMetadata) != 0 || info.UserTagCount != 0 {
			t.Errorf("%d bytes: stored as %s with %v", size, info.ContentType, info.UserMetadata)
		}
		requests()
	}
	// A second Put of the same is refused by condition and confirmed, not sent
	// again nor read back.
	if err := s.Put(t.Context(), "ID/segments/1", archive.BytesBlob([]byte("0"))); err != nil {
		t.Error(err)
	}
	if got := requests(); len(got) != 2 {
		t.Errorf("the second Put took %d requests, want 2", len(got))
	}
}

// Bytes that change on their way are refused by the server, even if we looked
// away: request is Put without the checks before and after.
func TestServerChecks(t *testing.T) {
	t.Parallel()
	s := open(t, config(t))
	content := []byte("what was hashed")
	b := archive.BytesBlob(content)
	for _, replace := range []bool{false, true} {
		b.Replace = replace
		_, err := s.request(t.Context(), "ID/head", b, headers{sum: true, guard: !replace}, strings.NewReader("what was hushed"))
		resp := minio.ToErrorResponse(err)
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("replace %t: got %v (%s), want a refusal", replace, err, resp.Code)
		}
		t.Logf("replace %t: %s", replace, resp.Code)
		if _, err := s.Get(t.Context(), "ID/head", 0, -1); err == nil {
			t.Errorf("replace %t: the object is there", replace)
		}
	}
	if _, err := s.request(t.Context(), "ID/head", b, headers{sum: true}, bytes.NewReader(content)); err != nil {
		t.Errorf("the right bytes: %v", err)
	}
}

// Each of the two hashes is enough, alone.
func TestServerChecksEach(t *testing.T) {
	s := open(t, config(t))
	right, wrong := archive.BytesBlob([]byte("right")), archive.BytesBlob([]byte("wrong"))
	put := func(payload, sum archive.Blob) error {
		_, err := s.core.PutObject(t.Context(), bucket, s.prefix+"ID/head", strings.NewReader("right"), 5, "",
			fmt.Sprintf("%x", payload.SHA256), minio.PutObjectOptions{
				UserMetadata: map[string]string{"x-amz-checksum-sha256": checksum(sum)}, DisableContentSha256: true,
			})
		return err
	}
	if err := put(right, wrong); minio.ToErrorResponse(err).StatusCode != http.StatusBadRequest {
		t.Errorf("wrong checksum: got %v, want a refusal", err)
	}
	if err := put(wrong, right); minio.ToErrorResponse(err).StatusCode != http.StatusBadRequest {
		t.Errorf("wrong payload hash: got %v, want a refusal", err)
	}
	if err := put(right, right); err != nil {
		t.Error(err)
	}
}

// An object that another tool put, without a checksum, is compared by reading.
func TestForeignObject(t *testing.T) {
	t.Parallel()
	s := open(t, config(t))
	for name, opts := range map[string]minio.PutObjectOptions{
		"ID/plain":     {},
		"ID/multipart": {PartSize: 5 << 20},
	} {
		content := bytes.Repeat([]byte("0123456789abcdef"), 6<<20/16)
		_, err := s.core.Client.PutObject(t.Context(), bucket, s.prefix+name, bytes.NewReader(content), int64(len(content)), opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), name, archive.BytesBlob(content)); err != nil {
			t.Errorf("%s: the same: %v", name, err)
		}
		content[0] ^= 1
		if err := s.Put(t.Context(), name, archive.BytesBlob(content)); !errors.Is(err, archive.ErrConflict) {
			t.Errorf("%s: other content: got %v, want ErrConflict", name, err)
		}
	}
}

// What lies beside the archive in the bucket is not listed.
func TestForeignKeys(t *testing.T) {
	c := config(t)
	s := open(t, c)
	for _, key := range []string{
		s.prefix + "ID/head", s.prefix + "ID/", s.prefix + "a file.txt", s.prefix + "ID/log/.keep",
		strings.TrimSuffix(s.prefix, "/") + "-other/head", "elsewhere/head",
	} {
		_, err := s.core.Client.PutObject(t.Context(), bucket, key, strings.NewReader(""), 0, minio.PutObjectOptions{})
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
	}
	var got []string
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Name)
	}
	if !slices.Equal(got, []string{"ID/head"}) {
		t.Errorf("listed %q", got)
	}
}

// A bucket that is deleted under the store is no empty store.
func TestBucketDeleted(t *testing.T) {
	if err := server(t).Bucket(t.Context(), "short-lived"); err != nil {
		t.Fatal(err)
	}
	c := config(t)
	c.Bucket = "short-lived"
	s := open(t, c)
	if err := s.core.RemoveBucket(t.Context(), c.Bucket); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "ID/head", archive.BytesBlob(nil)); !errors.Is(err, archive.ErrNoStore) {
		t.Errorf("Put: got %v, want ErrNoStore", err)
	}
	if _, err := s.Get(t.Context(), "ID/head", 0, -1); !errors.Is(err, archive.ErrNoStore) {
		t.Errorf("Get: got %v, want ErrNoStore", err)
	}
	for _, err := range s.List(t.Context(), "") {
		if !errors.Is(err, archive.ErrNoStore) {
			t.Errorf("List: got %v, want ErrNoStore", err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	s, err := Open(b.Context(), config(b))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	blob := archive.BytesBlob(make([]byte, 4<<20))
	b.SetBytes(blob.Size)
	for i := 0; b.Loop(); i++ {
		if err := s.Put(b.Context(), fmt.Sprintf("ID/segments/%06d.age", i), blob); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s, err := Open(b.Context(), config(b))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	blob := archive.BytesBlob(make([]byte, 4<<20))
	if err := s.Put(b.Context(), "ID/segments/000000.age", blob); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(blob.Size)
	for b.Loop() {
		r, err := s.Get(b.Context(), "ID/segments/000000.age", 0, -1)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}
