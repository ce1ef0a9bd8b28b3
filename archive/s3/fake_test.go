package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// Servers that a real one is not, each answering one thing wrong.

// fake returns a store over a server that h is.
func fake(t *testing.T, h http.HandlerFunc) *Store {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	s, err := newStore(Config{Endpoint: srv.URL, Region: "r", Bucket: "bucket", AccessKey: "a", SecretKey: "s"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// One that stores other bytes than it was sent and says 200.
func TestConfirm(t *testing.T) {
	content := []byte("content")
	b := archive.BytesBlob(content)
	other := archive.BytesBlob([]byte("c0ntent"))
	for _, tt := range []struct {
		name string
		size int64
		sum  string // "" if the server keeps none
		body string
		ok   bool
	}{
		{"right", b.Size, checksum(b), "", true},
		{"right, read back", b.Size, "", "content", true},
		{"shorter", b.Size - 1, "", "conten", false},
		{"other checksum", b.Size, checksum(other), "", false},
		{"other, read back", b.Size, "", "c0ntent", false},
		{"hash of hashes, read back", b.Size, checksum(other) + "-2", "content", true},
		{"nonsense, read back", b.Size, "!", "c0ntent", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			there := false
			s := fake(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
				switch r.Method {
				case http.MethodPut:
					there = true
				case http.MethodHead:
					if !there {
						w.WriteHeader(http.StatusNotFound)
						return
					}
					if tt.sum != "" && r.Header.Get("X-Amz-Checksum-Mode") != "" {
						w.Header().Set("X-Amz-Checksum-Sha256", tt.sum)
					}
					w.Header().Set("Content-Length", fmt.Sprint(tt.size))
				case http.MethodGet:
					io.WriteString(w, tt.body)
				}
			})
			for _, replace := range []bool{false, true} {
				b.Replace, there = replace, false
				if err := s.Put(t.Context(), "a", b); (err == nil) != tt.ok {
					t.Errorf("replace %t: got %v, want success %t", replace, err, tt.ok)
				}
			}
		})
	}
}

// One that denies access while a folder on its disk goes, as MinIO does, and then
// takes the object. One that means it is not asked for ever.
func TestDeniedForAMoment(t *testing.T) {
	for _, tt := range []struct {
		refusals, puts int
		want           error
	}{{2, 3, nil}, {100, 4, archive.ErrDenied}} {
		b := archive.BytesBlob([]byte("content"))
		puts := 0
		s := fake(t, func(w http.ResponseWriter, r *http.Request) {
			sent, _ := io.ReadAll(r.Body)
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
			if r.Method == http.MethodHead && puts == 0 {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			if r.Method == http.MethodHead {
				if r.Header.Get("X-Amz-Checksum-Mode") != "" {
					w.Header().Set("X-Amz-Checksum-Sha256", checksum(b))
				}
				w.Header().Set("Content-Length", fmt.Sprint(b.Size))
				return
			}
			if string(sent) != "content" {
				t.Errorf("put %d: sent %q", puts, sent)
			}
			if puts == tt.puts && tt.want == nil { // to see whether the name is taken
				w.WriteHeader(http.StatusPreconditionFailed)
				return
			}
			if puts++; puts <= tt.refusals {
				w.WriteHeader(http.StatusForbidden)
				fmt.Fprint(w, "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>")
			}
		})
		if err := s.Put(t.Context(), "a", b); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%d refusals: got %v, want %v", tt.refusals, err, tt.want)
		}
		if puts != tt.puts {
			t.Errorf("%d refusals: %d requests, want %d", tt.refusals, puts, tt.puts)
		}
	}
}

// One that would store whatever it is sent gets nothing that is wrong.
func TestBadBlobIsNotSent(t *testing.T) {
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("sent a %s", r.Method)
	})
	b := archive.BytesBlob([]byte("content"))
	b.SHA256[0] ^= 1
	if err := s.Put(t.Context(), "a", b); !errors.Is(err, archive.ErrMismatch) {
		t.Errorf("got %v, want ErrMismatch", err)
	}
}

// Errors of servers, in the words they use.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		want   error // nil if none of the contract: worth another try
	}{
		{404, "NoSuchBucket", archive.ErrNoStore},
		{403, "AccessDenied", archive.ErrDenied},
		{403, "SignatureDoesNotMatch", archive.ErrDenied},
		{403, "InvalidAccessKeyId", archive.ErrDenied},
		{403, "RequestTimeTooSkewed", archive.ErrDenied},
		{401, "", archive.ErrDenied},
		{400, "ExpiredToken", archive.ErrDenied},
		{400, "InvalidArgument", archive.ErrRefused},
		{400, "InvalidRequest", archive.ErrRefused},
		{301, "PermanentRedirect", archive.ErrRefused},
		{405, "MethodNotAllowed", archive.ErrRefused},
		{413, "", archive.ErrRefused},
		{501, "NotImplemented", archive.ErrRefused},
		{400, "RequestTimeout", nil},
		{408, "", nil},
		{429, "TooManyRequests", nil},
		{409, "ConditionalRequestConflict", nil},
		{400, "BadDigest", nil},
		{500, "InternalError", nil},
		{503, "SlowDown", nil},
		{507, "XMinioStorageFull", nil},
	} {
		s := fake(t, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(tt.status)
			if tt.code != "" {
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>text</Message></Error>", tt.code)
			}
		})
		err := s.Put(t.Context(), "a", archive.BytesBlob([]byte("content")))
		if err == nil {
			t.Errorf("%d %s: no error", tt.status, tt.code)
		}
		for _, sentinel := range []error{archive.ErrConflict, archive.ErrDenied, archive.ErrMismatch, archive.ErrNoStore, archive.ErrRefused, archive.ErrSource} {
			if got := errors.Is(err, sentinel); got != (sentinel == tt.want) {
				t.Errorf("%d %s: got %v, which matches %q: %t", tt.status, tt.code, err, sentinel, got)
			}
		}
	}
}

// One that lists out of order, as S3's directory buckets do, or lists what it
// was not asked for.
func TestListUnordered(t *testing.T) {
	for _, keys := range [][]string{{"a/2", "a/1"}, {"a/1", "a/1"}, {"b/1"}} {
		s := fake(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "<ListBucketResult><Name>bucket</Name><IsTruncated>false</IsTruncated>")
			for _, key := range keys {
				fmt.Fprintf(w, "<Contents><Key>%s</Key><Size>1</Size></Contents>", key)
			}
			fmt.Fprint(w, "</ListBucketResult>")
		})
		var last error
		for _, err := range s.List(t.Context(), "a/") {
			last = err
		}
		if last == nil {
			t.Errorf("%q: no error", keys)
		}
	}
}

// One that stops in the middle: of a download, of a listing, of taking an upload.
// The store gives up with an error that is worth another try.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s := piped(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet {
				w.Header().Set("Content-Length", "100")
				w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
				io.WriteString(w, "begin")
				w.(http.Flusher).Flush()
			}
			<-release
		})
		t.Cleanup(func() { close(release) }) // before the server's own Close
		s.habits.guard.Store(guardHonoured)  // so that Put begins with the upload
		begin := time.Now()
		wantStall := func(what string, err error) {
			t.Helper()
			// The one who waits for the answer may be the first to close the connection.
			if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: got %v, want a timeout", what, err)
			}
			if errors.Is(err, context.Canceled) || errors.Is(err, archive.ErrSource) || errors.Is(err, archive.ErrDenied) {
				t.Errorf("%s: %v is not worth another try", what, err)
			}
			if took := time.Since(begin); took < s.stall || took > 2*s.stall+time.Minute {
				t.Errorf("%s: gave up after %v, want %v or twice that", what, took, s.stall)
			}
			begin = time.Now()
		}
		r, err := s.Get(t.Context(), "a", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		wantStall("Get", err)
		if string(got) != "begin" {
			t.Errorf("Get: got %q, want what came", got)
		}
		r.Close()
		for _, err := range s.List(t.Context(), "") {
			wantStall("List", err)
		}
		big := archive.BytesBlob(bytes.Repeat([]byte("0123456789abcdef"), 1<<20)) // more than any buffer holds
		wantStall("Put", s.Put(t.Context(), "a", big))
	})
}

// piped is fake over connections in memory, for which a synctest bubble has the
// clock.
func piped(t *testing.T, h http.HandlerFunc) *Store {
	t.Helper()
	l := make(pipes)
	srv := &http.Server{Handler: h}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	s, err := newStore(Config{Endpoint: "http://pipe.test", Region: "r", Bucket: "bucket", AccessKey: "a", SecretKey: "s"})
	if err != nil {
		t.Fatal(err)
	}
	s.transport.DialContext = s.dial(l.dial)
	t.Cleanup(func() {
		s.Close()
		if err := srv.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return s
}

// pipes is a net.Listener for connections that dial makes.
type pipes chan net.Conn

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// A refusal that comes before the upload is through ends it, and nothing reads
// the source after Put returned.
func TestEarlyRefusal(t *testing.T) {
	s := fake(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<Error><Code>AccessDenied</Code></Error>")
	})
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	b := archive.BytesBlob(data)
	var n int
	b.Open = func() (io.ReadCloser, error) {
		// Without any lock: the race detector sees a Read after Close.
		return &unlocked{r: bytes.NewReader(data), n: &n}, nil
	}
	if err := s.Put(t.Context(), "a", b); err == nil {
		t.Error("no error")
	} else if !errors.Is(err, archive.ErrDenied) {
		t.Logf("the refusal was lost to a broken connection: %v", err)
	}
	if n == 0 {
		t.Error("the source was never read")
	}
}

type unlocked struct {
	r io.Reader
	n *int
}

func (u *unlocked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	*u.n += n
	return n, err
}

func (u *unlocked) Close() error { *u.n++; return nil }

// No error of a request that fails on the way shows a key.
func TestErrorsKeepSecrets(t *testing.T) {
	s, err := newStore(Config{Endpoint: "http://127.0.0.1:1", Region: "r", Bucket: "bucket", AccessKey: "theaccesskey", SecretKey: "thesecretkey", SessionToken: "thetoken"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Put(t.Context(), "a", archive.BytesBlob([]byte("content")))
	if err == nil {
		t.Fatal("no error")
	}
	for _, secret := range []string{"theaccesskey", "thesecretkey", "thetoken"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows it: %v", err)
		}
	}
}
