package site

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// host serves a site, with its headers, and what change makes of an answer.
func host(t *testing.T, s *Site, headers []header, change func(name string, data []byte) (int, []byte)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/tapes/")
		if name == "" {
			name = Index
		}
		i := slices.IndexFunc(s.Files, func(f File) bool { return f.Name == name })
		if i < 0 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", s.Files[i].Type)
		for _, h := range headers {
			w.Header().Set(h.name, h.value)
		}
		status, data := 200, s.Files[i].Data
		if change != nil {
			status, data = change(name, data)
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "/tapes/"+s.Files[0].Name)
		}
		w.WriteHeader(status)
		w.Write(data)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestCheck: whatever a host sends otherwise than it was built is found, by name.
func TestCheck(t *testing.T) {
	c := testConfig()
	s := build(t, c)
	all := c.headers(s.policy)
	evil := testConfig()
	evil.Stores = []string{"https://evil.example.org"}
	evilIndex := build(t, evil).Files[0].Data
	direct := testConfig()
	direct.Direct = true
	for name, tt := range map[string]struct {
		config  Config
		headers []header
		change  func(name string, data []byte) (int, []byte)
		differ  []string // beginnings of names
		stores  string
		missing int
	}{
		"as built":           {config: c, headers: all, stores: "https://s3.example.org"},
		"no headers":         {config: c, stores: "https://s3.example.org", missing: len(all)},
		"for another store":  {config: evil, headers: all, stores: "https://evil.example.org", missing: 1},
		"direct":             {config: direct, headers: direct.headers(build(t, direct).policy), stores: "https://s3.example.org"},
		"direct, no headers": {config: direct, differ: []string{"small_worker-", "worker-"}, stores: "https://s3.example.org", missing: len(all)},
		"swapped document": {config: c, headers: all, stores: "https://s3.example.org", differ: []string{"index.html"}, change: func(name string, data []byte) (int, []byte) {
			if name == Index {
				data = bytes.Replace(data, []byte("</head>"), []byte("<script src=x></script></head>"), 1)
			}
			return 200, data
		}},
		"other stores in it": {config: c, headers: all, stores: "https://evil.example.org", missing: 1, change: func(name string, data []byte) (int, []byte) {
			if name == Index {
				data = evilIndex
			}
			return 200, data
		}},
		"stores of which the policy knows nothing": {config: c, headers: all, stores: "https://evil.example.org", missing: 1, differ: []string{"index.html"},
			change: func(name string, data []byte) (int, []byte) {
				return 200, bytes.Replace(data, []byte(`"stores":["https://s3.example.org"]`), []byte(`"stores":["https://evil.example.org"]`), 1)
			}},
		"stores that are none": {config: c, headers: all, missing: 1, differ: []string{"index.html"}, change: func(name string, data []byte) (int, []byte) {
			return 200, bytes.Replace(data, []byte(`"stores":["https://s3.example.org"]`), []byte(`"stores":["https: *"]`), 1)
		}},
		"swapped worker": {config: c, headers: all, stores: "https://s3.example.org", differ: []string{"worker-"}, change: func(name string, data []byte) (int, []byte) {
			if strings.HasPrefix(name, "worker-") {
				data = []byte("evil()")
			}
			return 200, data
		}},
		"longer program": {config: c, headers: all, stores: "https://s3.example.org", differ: []string{"sealtape-"}, change: func(name string, data []byte) (int, []byte) {
			if strings.HasPrefix(name, "sealtape-") {
				data = bytes.Repeat([]byte("x"), 1<<20)
			}
			return 200, data
		}},
		"no script": {config: c, headers: all, stores: "https://s3.example.org", differ: []string{"page-"}, change: func(name string, data []byte) (int, []byte) {
			if strings.HasSuffix(name, ".js") && strings.HasPrefix(name, "page-") {
				return 404, nil
			}
			return 200, data
		}},
		"leads elsewhere": {config: c, headers: all, stores: "https://s3.example.org", differ: []string{"page-"}, change: func(name string, data []byte) (int, []byte) {
			if strings.HasSuffix(name, ".css") {
				return http.StatusFound, nil
			}
			return 200, data
		}},
	} {
		t.Run(name, func(t *testing.T) {
			served := build(t, tt.config)
			server := host(t, served, tt.headers, tt.change)
			found, err := Check(t.Context(), server.Client(), c, server.URL+"/tapes/#1&s=secret")
			if err != nil {
				t.Fatal(err)
			}
			var differ []string
			for _, d := range found.Differences {
				differ = append(differ, d.Name)
			}
			slices.Sort(differ)
			if !slices.EqualFunc(differ, tt.differ, strings.HasPrefix) {
				t.Errorf("differences %+v", found.Differences)
			}
			if got := strings.Join(found.Stores, " "); got != tt.stores || len(found.Missing) != tt.missing {
				t.Errorf("stores %q, missing %q", got, found.Missing)
			}
			if whole := found.Sum == served.Sum(); whole == (slices.Contains(tt.differ, Index) || name == "other stores in it") {
				t.Errorf("hash %s", found.Sum)
			}
		})
	}
}

// TestCheckHost: a host that is no player, or gives no end of bytes, is an error.
func TestCheckHost(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"not there": http.NotFound,
		"leads elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		},
		"no end": func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := fmt.Fprintln(w, strings.Repeat("x", 1<<16)); err != nil {
					return
				}
			}
		},
	} {
		server := httptest.NewServer(answer)
		if found, err := Check(t.Context(), server.Client(), testConfig(), server.URL); err == nil {
			t.Errorf("%s: %+v", name, found)
		}
		server.Close()
	}
	for _, address := range []string{"", "tapes.example.org", "ftp://tapes.example.org", "https://u:p@tapes.example.org", "https://tapes.example.org/?x", "file:///x"} {
		if _, err := Check(t.Context(), http.DefaultClient, testConfig(), address); err == nil {
			t.Errorf("%q is an address", address)
		}
	}
}
