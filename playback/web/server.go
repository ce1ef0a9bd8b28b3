package web

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sealtape/sealtape/playback/player"
)

// Config are the settings of a Server.
type Config struct {
	// Player has the recordings. Required. The caller closes it after the last
	// request.
	Player *player.Player
	// Recording is the ID of the recording to show first. "" means the list.
	Recording string
	// Log gets errors, without tokens and names. Nil means no log.
	Log *slog.Logger
}

const (
	// openPath begins addresses that open the page once.
	openPath = "open"
	// maxTickets is the most unused tickets.
	maxTickets = 16
	// writePatience is how long a browser may take for one piece of an answer. The
	// segment stays in memory meanwhile.
	writePatience = 30 * time.Second
)

// A Server is the player's http.Handler. It is safe for concurrent use.
type Server struct {
	player    *player.Player
	recording string
	log       *slog.Logger
	token     string
	assets    map[string]asset

	mu      sync.Mutex
	tickets [][]byte // each opens the page once
}

// New returns a Server.
func New(c Config) (*Server, error) {
	if c.Player == nil {
		return nil, errors.New("no player")
	}
	if c.Recording != "" && !isID(c.Recording) {
		return nil, errors.New("malformed recording ID")
	}
	files, err := assets()
	if err != nil {
		return nil, err
	}
	s := &Server{player: c.Player, recording: c.Recording, log: c.Log, token: secret(), assets: files}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
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
	if s.recording != "" {
		p += "watch/" + url.PathEscape(s.recording)
	}
	return p
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
		b, err := s.player.Recordings(r.Context())
		s.answer(w, r, b, err)
	case strings.HasPrefix(rest, "api/recordings/") && isID(parts[2]):
		s.ask(w, r, parts[2], parts[3:])
	default:
		http.NotFound(w, r)
	}
}

// ask answers what is asked of one recording.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, id string, rest []string) {
	switch {
	case len(rest) == 0:
		s.describe(w, r, id)
	case len(rest) == 1 && rest[0] == "meeting":
		b, err := s.player.Meeting(r.Context(), id, nil, r.URL.Query().Has("all"))
		s.answer(w, r, b, err)
	case len(rest) == 1 && rest[0] == "export":
		s.export(w, r, id)
	case len(rest) == 2 && rest[0] == "segments":
		n, err := strconv.Atoi(rest[1])
		if err != nil || strconv.Itoa(n) != rest[1] || n < 0 {
			http.NotFound(w, r)
			return
		}
		s.segment(w, r, id, n)
	default:
		http.NotFound(w, r)
	}
}

// describe answers with a recording, at once or when it has changed.
func (s *Server) describe(w http.ResponseWriter, r *http.Request, id string) {
	q := r.URL.Query()
	known := player.Known{Version: q.Get("wait")}
	known.From, _ = strconv.Atoi(q.Get("from"))
	known.Events, _ = strconv.Atoi(q.Get("events"))
	describe := s.player.Describe
	if q.Has("wait") {
		describe = s.player.DescribeLater
	}
	b, err := describe(r.Context(), id, known)
	s.answer(w, r, b, err)
}

func (s *Server) file(w http.ResponseWriter, r *http.Request, name string) {
	f, ok := s.assets[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", f.mime)
	if f.words != "" {
		w.Header().Set("Link", wordsLink(s.assets, f, r.Header.Get("Accept-Language")))
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
