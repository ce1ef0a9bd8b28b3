package web

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/playback"
)

// Config are the settings of a Server.
type Config struct {
	// Library is where recordings come from.
	Library Library
	// Command is the command that opens a recording again, without its ID, for a
	// shell: "sealtape play --store ./meetings". The page shows it for copying.
	// "" means none.
	Command string
	// Recording is the ID of the recording to show first. "" means the list.
	Recording string
	// Log gets errors, without tokens and names. Nil means no log.
	Log *slog.Logger
	// CacheBytes is the most decrypted bytes in memory, those being read
	// included. 0 means 32 MiB.
	CacheBytes int64
}

const (
	defaultCache = 32 << 20
	// openPath begins addresses that open the page once.
	openPath = "open"
	// maxTickets is the most unused tickets.
	maxTickets = 16
)

// A patience is how long the server waits for various things.
type patience struct {
	// follow is how often the store is asked for news of a recording that goes
	// on. poll is how long a request waits for news.
	follow, poll time.Duration
	// next is how long a segment waits for the next one, whose first frames
	// determine where its own last ones end. prev is how long it waits for the
	// answer with the one before, which determines where its sound begins.
	next, prev time.Duration
	// write is how long a browser may take for one answer. The segment stays in
	// memory meanwhile.
	write time.Duration
}

var usualPatience = patience{
	follow: 2 * time.Second,
	poll:   25 * time.Second,
	next:   300 * time.Millisecond,
	prev:   2 * time.Second,
	write:  30 * time.Second,
}

// A Server is the player's http.Handler. It is safe for concurrent use.
type Server struct {
	c      Config
	log    *slog.Logger
	token  string
	assets map[string]asset
	cache  *cache

	patience patience
	exports  chan struct{} // holds one for each export that is being made
	formats  map[string]fileFormat

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	tickets [][]byte         // each opens the page once
	shelf   []*openRecording // open recordings, most recently used first
	opened  int              // how many recordings were ever opened
	failed  map[string]map[int]playback.Segment
}

// New returns a Server. The caller closes it.
func New(c Config) (*Server, error) {
	if c.Library == nil {
		return nil, errors.New("no library")
	}
	if c.Recording != "" && !isID(c.Recording) {
		return nil, errors.New("malformed recording ID")
	}
	files, err := assets()
	if err != nil {
		return nil, err
	}
	if c.CacheBytes <= 0 {
		c.CacheBytes = defaultCache
	}
	s := &Server{c: c, log: c.Log, token: secret(), assets: files, failed: make(map[string]map[int]playback.Segment),
		patience: usualPatience, exports: make(chan struct{}, exportSlots), formats: fileFormats}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.cache = newCache(s.ctx, c.CacheBytes)
	return s, nil
}

// secret returns 256 random bits for use in a path.
func secret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// URL returns the page's address on a listener at addr, as net.Addr.String
// returns it. Whoever has the address sees the recordings.
func (s *Server) URL(addr string) string { return "http://" + addr + s.path() }

// OpenURL returns an address that leads to URL once. It can be passed to a
// browser on a command line, which others on the machine can read.
func (s *Server) OpenURL(addr string) string {
	ticket := secret()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.tickets) == maxTickets {
		s.tickets = s.tickets[1:]
	}
	s.tickets = append(s.tickets, []byte(ticket))
	return "http://" + addr + "/" + openPath + "/" + ticket
}

// redeem reports whether the ticket is valid, and uses it up.
func (s *Server) redeem(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := -1
	for i, t := range s.tickets {
		if subtle.ConstantTimeCompare(t, []byte(ticket)) == 1 {
			found = i
		}
	}
	if found < 0 {
		return false
	}
	s.tickets = slices.Delete(s.tickets, found, found+1)
	return true
}

// path is where the page begins.
func (s *Server) path() string {
	p := "/" + s.token + "/"
	if s.c.Recording != "" {
		p += "watch/" + url.PathEscape(s.c.Recording)
	}
	return p
}

// Prepare begins to open Config.Recording, and to read what is played at a time
// on its clock, while a browser starts. The page gets errors when it asks.
func (s *Server) Prepare(at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.c.Recording == "" {
		return
	}
	s.wg.Go(func() {
		if t, err := s.open(s.ctx, s.c.Recording); err == nil {
			t.prepare(at)
		}
	})
}

// Failed returns, by recording and in order, the segments that turned out not to
// be what was recorded.
func (s *Server) Failed() map[string][]playback.Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string][]playback.Segment)
	for id, segments := range s.failed {
		for _, n := range slices.Sorted(maps.Keys(segments)) {
			out[id] = append(out[id], segments[n])
		}
	}
	return out
}

func (s *Server) addFailed(id string, seg playback.Segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed[id] == nil {
		s.failed[id] = make(map[int]playback.Segment)
	}
	s.failed[id][seg.Number] = seg
}

// Close ends the work in the background, and waits for it. Later and waiting
// requests get an error.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
	s.cache.wait()
	return nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := s.admit(w, r)
	if !ok {
		return
	}
	parts := strings.Split(rest, "/")
	switch {
	case rest == "":
		s.file(w, r, "page/index.html")
	case parts[0] == "watch" && len(parts) == 2 && isID(parts[1]):
		s.file(w, r, "page/watch.html")
	case parts[0] == "page":
		s.file(w, r, rest)
	case rest == "api/recordings":
		s.listRecordings(w, r)
	case strings.HasPrefix(rest, "api/recordings/") && isID(parts[2]):
		s.recording(w, r, parts[2], parts[3:])
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) recording(w http.ResponseWriter, r *http.Request, id string, rest []string) {
	n := 0
	switch {
	case len(rest) == 0, len(rest) == 1 && rest[0] == "export":
	case len(rest) == 2 && rest[0] == "segments":
		var err error
		if n, err = strconv.Atoi(rest[1]); err != nil || strconv.Itoa(n) != rest[1] || n < 0 {
			http.NotFound(w, r)
			return
		}
	default:
		http.NotFound(w, r)
		return
	}
	t, err := s.open(r.Context(), id)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case len(rest) == 0:
		s.describe(w, r, t)
	case rest[0] == "export":
		s.export(w, r, t)
	default:
		s.segment(w, r, t, n)
	}
}

func (s *Server) file(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := s.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.mime)
	if f.links != "" {
		w.Header().Set("Link", linksFor(s.assets, f, r.Header.Get("Accept-Language")))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(f.data)))
	if r.Method != http.MethodHead {
		w.Write(f.data)
	}
}

// isID reports whether s has the form of a recording's ID.
func isID(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
