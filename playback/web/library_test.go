package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/playback"
	"github.com/sealtape/sealtape/playback/tape"
	"github.com/sealtape/sealtape/recorder/media"
	"github.com/sealtape/sealtape/recorder/media/matroska"
)

const testID = "0123456789ABCDEFGHJKMNPQRS"

var testStart = time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)

var (
	alice = media.Track{UID: 11, Participant: "alice", Name: "Alice", Source: media.Microphone, Codec: media.Opus, Channels: 1}
	bob   = media.Track{UID: 1<<63 + 5, Participant: "bob", Source: media.Camera, Codec: media.VP8, Width: 160, Height: 120}
)

// A fakeLibrary holds recordings in memory.
type fakeLibrary struct {
	mu         sync.Mutex
	entries    []*tape.Description
	err        error
	recordings map[string]*fakeRecording
	opened     int
}

func (l *fakeLibrary) Recordings(ctx context.Context) ([]*tape.Description, error) {
	return l.entries, l.err
}

func (l *fakeLibrary) Open(ctx context.Context, id string) (Recording, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened++
	if r := l.recordings[id]; r != nil {
		return r, nil
	}
	return nil, fs.ErrNotExist
}

// A fakeRecording is a state of a recording: later is the one that follows.
type fakeRecording struct {
	mu       *sync.Mutex
	segments map[int][]byte
	errs     map[int]error
	log      tape.Description
	later    *fakeRecording
	agreed   map[string][]tape.Agreement
	// reading, if set, is called at each read and may wait.
	reading func(ctx context.Context, n int) error
	reads   map[int]int
}

func (r *fakeRecording) Segments() []int { return slices.Sorted(maps.Keys(r.segments)) }

func (r *fakeRecording) ReadSegment(ctx context.Context, n int) ([]byte, error) {
	r.mu.Lock()
	r.reads[n]++
	err, data, reading := r.errs[n], r.segments[n], r.reading
	r.mu.Unlock()
	if reading != nil {
		if err := reading(ctx, n); err != nil {
			return nil, err
		}
	}
	return data, err
}

func (r *fakeRecording) Log() *tape.Description { return &r.log }

func (r *fakeRecording) Session(ctx context.Context) (*playback.Session, error) {
	return playback.Open(ctx, r, playback.Options{Recording: testID})
}

func (r *fakeRecording) Follow(ctx context.Context) (Recording, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.later != nil {
		return r.later, nil
	}
	return r, nil
}

func (r *fakeRecording) Agreements([]media.Event, time.Duration) (map[string][]tape.Agreement, bool) {
	return r.agreed, len(r.agreed) > 0
}

func (r *fakeRecording) setErr(n int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs[n] = err
}

// meeting is a recording of n segments of 5 s: Alice's sound, Bob's picture.
func meeting(t testing.TB, n int) *fakeRecording {
	t.Helper()
	r := &fakeRecording{mu: new(sync.Mutex), segments: make(map[int][]byte), errs: make(map[int]error), reads: make(map[int]int),
		log: tape.Description{ID: testID, State: "closed", Signers: []tape.Signer{{Who: "carol"}}, PostQuantum: true,
			Epochs: []tape.Epoch{{Number: 1, Opens: true, First: 0, Last: n - 1}}}}
	for i := range n {
		var events []media.Event
		if i == 0 {
			events = []media.Event{{Type: media.EventStart, Text: "Stand-up"}, {Type: media.EventJoin, Participant: "alice", Name: "Alice"}}
		}
		r.segments[i] = segment(t, i, 5*time.Second, events...)
	}
	return r
}

// segment is one of a meeting's.
func segment(t testing.TB, n int, length time.Duration, events ...media.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := matroska.NewWriter(&b, matroska.Header{Recording: testID, Segment: n, Epoch: 1, Start: testStart, Tracks: []media.Track{alice, bob}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.WriteEvent(e); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Duration(n) * length
	for at := start; at < start+length; at += 20 * time.Millisecond {
		if err := w.WriteFrame(media.Frame{Track: alice.UID, Time: at, Data: []byte{0xf8, 0xff, 0xfe}}); err != nil {
			t.Fatal(err)
		}
		if (at-start)%(40*time.Millisecond) == 0 {
			f := media.Frame{Track: bob.UID, Time: at, Key: at == start, Data: []byte{1, 0, 0, 0}}
			if f.Key {
				f.Data = []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 160, 0, 120, 0}
			}
			if err := w.WriteFrame(f); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const testHost = "127.0.0.1:4711"

// serve returns a Server of one recording.
func serve(t testing.TB, r *fakeRecording) *Server {
	t.Helper()
	return serveLibrary(t, &fakeLibrary{recordings: map[string]*fakeRecording{testID: r}}, 0)
}

func serveLibrary(t testing.TB, l Library, cacheBytes int64) *Server {
	t.Helper()
	s, err := New(Config{Library: l, Recording: testID, CacheBytes: cacheBytes, Command: "sealtape play"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// get asks for what is below the token.
func get(t testing.TB, s *Server, path string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t.Context(), s, path)
}

func request(ctx context.Context, s *Server, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://"+testHost+"/"+s.token+"/"+path, nil)
	s.ServeHTTP(w, r)
	return w
}

// getJSON asks for what must be JSON.
func getJSON(t testing.TB, s *Server, path string, status int, v any) {
	t.Helper()
	w := get(t, s, path)
	if w.Code != status || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%s: status %d, %s, want %d: %.300s", path, w.Code, w.Header().Get("Content-Type"), status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// A readPart is a part as the page reads it.
type readPart struct {
	Track    string
	MIME     string
	From, To float64
	Init     int
	InitID   string `json:"init_id"`
	Frames   int
	body     []byte
}

func readParts(t testing.TB, r io.Reader) (parts []readPart) {
	t.Helper()
	for {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err == io.EOF {
			return parts
		} else if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, n)
		if _, err := io.ReadFull(r, head); err != nil {
			t.Fatal(err)
		}
		var p readPart
		if err := json.Unmarshal(head, &p); err != nil {
			t.Fatal(err)
		}
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			t.Fatal(err)
		}
		p.body = make([]byte, n)
		if _, err := io.ReadFull(r, p.body); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, p)
	}
}

var _ playback.Source = (*fakeRecording)(nil)
