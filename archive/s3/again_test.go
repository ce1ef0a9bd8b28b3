package s3

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
)

// What a server can answer instead of taking an object is tried again, with the
// same bytes and the same condition, until it takes it.
func TestPutAgain(t *testing.T) {
	const fails = 3
	status := func(code int, name string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(code)
			if name != "" {
				fmt.Fprintf(w, "<Error><Code>%s</Code><Message>text</Message></Error>", name)
			}
		}
	}
	hangUp := func(w http.ResponseWriter) {
		if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
			c.Close()
		}
	}
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter)
	}{
		{"400 request timeout", status(400, "RequestTimeout")},
		{"400 bad digest", status(400, "BadDigest")},
		{"408", status(408, "")},
		{"409", status(409, "ConditionalRequestConflict")},
		{"409 aborted", status(409, "OperationAborted")},
		{"429", status(429, "TooManyRequests")},
		{"500", status(500, "InternalError")},
		{"502", status(502, "")},
		{"503", status(503, "SlowDown")},
		{"504", status(504, "")},
		{"507", status(507, "XMinioStorageFull")},
		{"hung up", hangUp},
	} {
		for _, applied := range []bool{false, true} { // before it answers so
			t.Run(fmt.Sprintf("%s, applied %t", tt.name, applied), func(t *testing.T) {
				t.Parallel()
				content := bytes.Repeat([]byte("content"), 100)
				sum := sha256.Sum256(content)
				var mu sync.Mutex
				var stored []byte
				puts := 0
				s := fake(t, func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					w.Header().Set("ETag", `"1"`)
					w.Header().Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
					if r.Method == http.MethodHead && stored == nil {
						w.WriteHeader(http.StatusNotFound)
						return
					}
					if r.Method == http.MethodHead {
						if r.Header.Get("X-Amz-Checksum-Mode") != "" {
							w.Header().Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum[:]))
						}
						w.Header().Set("Content-Length", fmt.Sprint(len(stored)))
						return
					}
					sent, err := io.ReadAll(r.Body)
					if err != nil || !bytes.Equal(sent, content) || r.Header.Get("If-None-Match") != "*" {
						t.Errorf("put %d: sent %d bytes, %v, if none matches %q", puts, len(sent), err, r.Header.Get("If-None-Match"))
					}
					puts++
					switch {
					case stored != nil && !applied:
						t.Error("put once more after it was taken")
					case puts <= fails:
						if applied {
							stored = sent
						}
						tt.answer(w)
					case applied:
						status(http.StatusPreconditionFailed, "PreconditionFailed")(w)
					default:
						stored = sent
					}
				})
				s.habits.guard.Store(guardHonoured) // as after the first
				to := archive.Retry(s, archive.RetryConfig{Min: time.Millisecond, Max: 2 * time.Millisecond})
				if err := to.Put(t.Context(), "ID/segments/000000.age", archive.BytesBlob(content)); err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				defer mu.Unlock()
				want := fails + 1
				if applied && tt.name == "hung up" {
					want = 1 // then it is looked for
				}
				if puts != want || !bytes.Equal(stored, content) {
					t.Errorf("%d puts, want %d; %d bytes are stored", puts, want, len(stored))
				}
			})
		}
	}
}
