package fetch

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/link"
	"github.com/sealtape/sealtape/archive/storetest"
)

// A server gives what it has, and answers else as it is told.
type server struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string]string
	status  int    // 0: by the objects
	said    string // with status
	ranges  bool
	asked   []string
}

func newServer(t *testing.T) *server {
	s := &server{objects: make(map[string]string), ranges: true}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = append(s.asked, r.Method+" "+r.URL.String())
		body, ok := s.objects[r.URL.Path]
		switch {
		case s.status != 0:
			w.WriteHeader(s.status)
			_, _ = io.WriteString(w, s.said)
		case !ok:
			http.NotFound(w, r)
		case s.ranges:
			http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), strings.NewReader(body))
		default:
			_, _ = io.WriteString(w, body)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func open(t *testing.T, i *link.Invitation) *Store {
	t.Helper()
	s, err := Open(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestGet(t *testing.T) {
	srv, id := newServer(t), archive.NewID()
	name := id + "/segments/000000.age"
	srv.objects["/b/"+name] = "0123456789"
	s := open(t, &link.Invitation{Store: srv.URL + "/b", Recording: id, Query: "sig=a%2Bb"})
	for _, ranges := range []bool{true, false} {
		srv.ranges = ranges
		for _, tt := range []struct {
			off, n int64
			want   string
		}{{0, -1, "0123456789"}, {0, 3, "012"}, {3, 2, "34"}, {8, 5, "89"}, {4, -1, "456789"}, {10, -1, ""}, {99, 5, ""}, {2, 0, ""}} {
			r, err := s.Get(t.Context(), name, tt.off, tt.n)
			if err != nil {
				t.Errorf("%+v: %v", tt, err)
				continue
			}
			b, err := io.ReadAll(r)
			if err := errors.Join(err, r.Close()); err != nil || string(b) != tt.want {
				t.Errorf("%+v with ranges %t: got %q, %v", tt, ranges, b, err)
			}
		}
		info, err := s.Stat(t.Context(), name)
		if err != nil || info.Size != 10 || info.Modified.IsZero() == ranges {
			t.Errorf("%+v, %v", info, err)
		}
	}
	for _, asked := range srv.asked {
		if asked != "GET /b/"+name+"?sig=a%2Bb" {
			t.Errorf("asked for %s", asked)
		}
	}
	for _, other := range []string{archive.NewID() + "/head", id + "/../x", "head"} {
		if _, err := s.Get(t.Context(), other, 0, -1); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", other, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	srv, id := newServer(t), archive.NewID()
	past, future := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	for _, tt := range []struct {
		what    string
		status  int
		said    string
		expires time.Time
		want    []error
	}{
		{"not there", 404, "<Code>NoSuchKey</Code>", past, []error{fs.ErrNotExist}},
		{"denied, or not there", 403, "<Code>AccessDenied</Code>", future, []error{archive.ErrDenied}},
		{"expired", 403, "<Code>AccessDenied</Code><Message>Request has expired</Message>", future, []error{archive.ErrDenied, archive.ErrExpired}},
		{"a session that ended", 400, "<Code>ExpiredToken</Code>", future, []error{archive.ErrExpired}},
		{"a token that ended, as the link says", 401, "", past, []error{archive.ErrExpired}},
		{"a clock that is wrong", 403, "<Code>RequestTimeTooSkewed</Code>", past, []error{archive.ErrDenied}},
		{"elsewhere", 301, "", future, []error{archive.ErrRefused}},
		{"a bad request", 400, "", future, []error{archive.ErrRefused}},
		{"trouble", 503, "", past, nil},
	} {
		srv.status, srv.said = tt.status, tt.said
		s := open(t, &link.Invitation{Store: srv.URL, Recording: id, Query: "secret=1", Expires: tt.expires})
		_, err := s.Get(t.Context(), id+"/head", 0, -1)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", tt.what, err)
		}
		for _, want := range tt.want {
			if !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", tt.what, err, want)
			}
		}
		expired := len(tt.want) > 0 && tt.want[len(tt.want)-1] == archive.ErrExpired
		if errors.Is(err, archive.ErrExpired) != expired || len(tt.want) == 0 && (errors.Is(err, archive.ErrDenied) || errors.Is(err, archive.ErrRefused)) {
			t.Errorf("%s: got %v", tt.what, err)
		}
	}
	// A server that is away is said without the token.
	srv.Close()
	s := open(t, &link.Invitation{Store: srv.URL, Recording: id, Query: "secret=1"})
	if _, err := s.Get(t.Context(), id+"/head", 0, -1); err == nil || strings.Contains(err.Error(), "secret") || errors.Is(err, archive.ErrDenied) {
		t.Errorf("a server that is away: %v", err)
	}
}

func TestReadOnly(t *testing.T) {
	id := archive.NewID()
	s := open(t, &link.Invitation{Store: "https://s3.example.org/b", Recording: id})
	for what, err := range map[string]error{
		"put":    s.Put(t.Context(), id+"/head", archive.BytesBlob([]byte("x"))),
		"delete": s.Delete(t.Context(), id+"/head"),
		"purge":  s.Purge(t.Context(), id+"/"),
	} {
		if !errors.Is(err, archive.ErrRefused) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, err := range s.List(t.Context(), id+"/") {
		if !errors.Is(err, archive.ErrNotListed) {
			t.Errorf("list: %v", err)
		}
	}
	for _, err := range s.Prefixes(t.Context()) {
		if !errors.Is(err, archive.ErrNotListed) {
			t.Errorf("prefixes: %v", err)
		}
	}
	if _, err := Open(t.Context(), &link.Invitation{Credentials: &link.Credentials{}}); err == nil {
		t.Error("opened by credentials")
	}
}

// A table of presigned URLs says what is appended to each.
func TestPresigned(t *testing.T) {
	srv, id := newServer(t), archive.NewID()
	mem := new(storetest.Mem)
	table := link.Table{Recording: id, Query: "X=1&S=", Objects: []link.TableObject{{Name: "head", End: "aa"}}}
	share, key, err := archive.PutSealed(t.Context(), mem, id, table.String())
	if err != nil {
		t.Fatal(err)
	}
	sealed, _ := mem.Object(id + "/shares/" + share + ".age")
	srv.objects["/"+id+"/shares/"+share+".age"] = string(sealed)
	srv.objects["/"+id+"/head"] = "a head"
	i := &link.Invitation{Store: srv.URL, Recording: id, Presigned: &link.Presigned{Key: strings.TrimPrefix(key.String(), link.KeyPrefix), Share: share, Query: "T=1"}}
	s := open(t, i)
	r, err := s.Get(t.Context(), id+"/head", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil || string(b) != "a head" {
		t.Errorf("%q, %v", b, err)
	}
	if got, want := strings.Join(srv.asked, " "), "GET /"+id+"/shares/"+share+".age?T=1 GET /"+id+"/head?X=1&S=aa"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	if _, err := s.Get(t.Context(), id+"/log/0000", 0, -1); !errors.Is(err, archive.ErrDenied) {
		t.Errorf("an object of later: %v", err)
	}
	for what, spoil := range map[string]func(*link.Presigned){
		"another key":  func(p *link.Presigned) { p.Key = strings.Repeat("Q", 58) },
		"another name": func(p *link.Presigned) { p.Share = archive.NewID() },
	} {
		bad := *i
		p := *i.Presigned
		spoil(&p)
		bad.Presigned = &p
		if _, err := Open(t.Context(), &bad); err == nil {
			t.Errorf("%s: opened", what)
		}
	}
}
