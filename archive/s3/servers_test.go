package s3

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
	"github.com/sealtape/sealtape/archive/storetest"
	"github.com/sealtape/sealtape/testdata/sample"
	"github.com/sealtape/sealtape/testdata/servers"
)

// Every store keeps the contract but for what it says itself.
func TestVersityGW(t *testing.T) {
	t.Parallel()
	c := started(t, servers.StartVersityGW)
	storetest.Test(t, limited(archive.Limits{}, c))
	if got := verdicts(t, open(t, c())); got[storecheck.Limited]+got[storecheck.Failed]+got[storecheck.Unknown] != "" {
		t.Errorf("got %q", got)
	}
}

// Rclone's server is found out: it lists out of order, overwrites what is there,
// and repeats any checksum that it was sent.
func TestRclone(t *testing.T) {
	t.Parallel()
	s := open(t, started(t, servers.StartRclone)())
	got := verdicts(t, s)
	if got[storecheck.Failed] != "list" || got[storecheck.Limited] != "put-if-absent checksums" {
		t.Errorf("got %q", got)
	}
	if want := (archive.Limits{Unguarded: true, Unchecked: true}); s.Limits() != want {
		t.Errorf("limits are %+v, want %+v", s.Limits(), want)
	}
}

// started starts a server for the test, and returns what makes a Config for a
// fresh prefix there.
func started(t *testing.T, start func(context.Context, func(string)) (*servers.S3, error)) func() Config {
	t.Helper()
	sample.Live(t)
	server, err := start(t.Context(), func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Bucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	return func() Config {
		return Config{
			Endpoint: server.Endpoint, Region: "us-east-1", Bucket: bucket, Prefix: "some folder/" + rand.Text(),
			AccessKey: server.AccessKey, SecretKey: server.SecretKey,
		}
	}
}

// limited returns what opens stores of which one Put shows the limits.
func limited(limits archive.Limits, config func() Config) func(*testing.T) archive.Store {
	return func(t *testing.T) archive.Store {
		s := open(t, config())
		if err := s.Put(t.Context(), "first", archive.BytesBlob([]byte("content"))); err != nil {
			t.Fatal(err)
		}
		if got := s.Limits(); got != limits {
			t.Errorf("limits are %+v, want %+v", got, limits)
		}
		if err := s.Purge(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// testHabit runs the checks, and what a day has of the conformance suite, on a server
// that is the MinIO of the others but for what it answers.
func testHabit(t *testing.T, limits archive.Limits, a answer) {
	storetest.TestSome(t, sample.Cases(t, storetest.Size, 8), limited(limits, a.as(t)))
}

// An answer is what a server says to a request that it does not take, nil to one
// that it does.
type answer func(*http.Request) *refusal

type refusal struct {
	status        int
	code, message string
}

// The servers that nobody can run at home, as they are reported to answer: see
// habits.
func backblaze(r *http.Request) *refusal {
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-checksum-") {
			return &refusal{http.StatusBadRequest, "InvalidArgument", "Unsupported header '" + name + "' received for this API call."}
		}
	}
	if r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "" {
		return &refusal{http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented."}
	}
	return nil
}

func google(r *http.Request) *refusal {
	if r.Method != http.MethodPut {
		r.Header.Del("X-Amz-Checksum-Mode")
		return nil
	}
	if r.Header.Get("X-Amz-Checksum-Sha256") != "" {
		return &refusal{http.StatusBadRequest, "ExcessHeaderValues", "Multiple, conflicting headers were given."}
	}
	r.Header.Del("If-None-Match")
	return nil
}

func cloudflare(r *http.Request) *refusal {
	if sum := r.Header.Get("X-Amz-Checksum-Sha256"); sum != "" {
		return &refusal{http.StatusNotImplemented, "NotImplemented", "Header 'x-amz-checksum-sha256' with value '" + sum + "' not implemented"}
	}
	return nil
}

// as returns a Config for a server that answers as the one of a does, before the
// MinIO that tests share: for its objects, and for everything it takes.
func (a answer) as(t *testing.T) func() Config {
	t.Helper()
	c := config(t)
	to, err := url.Parse(c.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		// Without the headers that the proxy took out, the signature is another.
		r.Out.Header.Del("Authorization")
		r.Out = signer.SignV4(*r.Out, c.AccessKey, c.SecretKey, "", c.Region)
	}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refused := a(r)
		if refused == nil {
			proxy.ServeHTTP(w, r)
			return
		}
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(refused.status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", refused.code, refused.message)
	}))
	t.Cleanup(srv.Close)
	return func() Config {
		c := config(t)
		c.Endpoint = srv.URL
		return c
	}
}

func TestBackblaze(t *testing.T) {
	t.Parallel()
	testHabit(t, archive.Limits{Unguarded: true, Unchecked: true}, backblaze)
}

func TestGoogle(t *testing.T) {
	t.Parallel()
	testHabit(t, archive.Limits{Unguarded: true, Unchecked: true}, google)
}

func TestCloudflare(t *testing.T) {
	t.Parallel()
	testHabit(t, archive.Limits{Unchecked: true}, cloudflare)
}

// What a server refuses for good is not tried again, and its own words are told.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	never := answer(func(r *http.Request) *refusal {
		if r.Method == http.MethodPut {
			return &refusal{http.StatusBadRequest, "InvalidRequest", "this account may not store."}
		}
		return nil
	})
	retried := archive.Retry(open(t, never.as(t)()), archive.RetryConfig{Attempts: 2})
	for _, replace := range []bool{false, true} {
		b := archive.BytesBlob([]byte("content"))
		b.Replace = replace
		err := retried.Put(t.Context(), "a", b)
		if !errors.Is(err, archive.ErrRefused) || strings.Contains(err.Error(), "gave up") || !strings.Contains(err.Error(), "this account may not store") {
			t.Errorf("replace %t: got %v", replace, err)
		}
	}
}
