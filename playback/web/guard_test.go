package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/playback/internal/playertest"
	"github.com/sealtape/sealtape/playback/player"
)

// TestRefusals: nobody but the page gets in, nor out of it.
func TestRefusals(t *testing.T) {
	s := serve(t, playertest.Meeting(t, 1))
	good := "/" + s.token + "/"
	other := secret()
	for name, tt := range map[string]struct {
		method, path, host string
		header             http.Header
		want               int
	}{
		"the page":                {path: good, want: 200},
		"by name":                 {path: good, host: "localhost:1", want: 200},
		"by IPv6":                 {path: good, host: "[::1]:80", want: 200},
		"without a port":          {path: good, host: "127.0.0.1", want: 200},
		"upper case":              {path: good, host: "LOCALHOST:1", want: 200},
		"head":                    {method: "HEAD", path: good, want: 200},
		"typed address":           {path: good, header: http.Header{"Sec-Fetch-Site": {"none"}}, want: 200},
		"its own":                 {path: good, header: http.Header{"Origin": {"http://" + testHost}, "Sec-Fetch-Site": {"same-origin"}}, want: 200},
		"a module":                {path: good + "page/engine/clock.js", want: 200},
		"root":                    {path: "/", want: 403},
		"favicon":                 {path: "/favicon.ico", want: 403},
		"no token":                {path: "/api/recordings", want: 403},
		"wrong token":             {path: "/" + other + "/", want: 403},
		"part of the token":       {path: "/" + s.token[:42] + "/", want: 403},
		"more than the token":     {path: "/" + s.token + "A/", want: 403},
		"token in lower case":     {path: "/" + strings.ToLower(s.token) + "/", want: 403},
		"token without a slash":   {path: "/" + s.token, want: 403},
		"token in the query":      {path: "/?" + s.token, want: 403},
		"token behind a slash":    {path: "//" + s.token + "/", want: 403},
		"asset without token":     {path: "/page/engine/clock.js", want: 403},
		"foreign host":            {path: good, host: "evil.example:4711", want: 403},
		"host that begins so":     {path: good, host: "127.0.0.1.evil.example", want: 403},
		"host that ends so":       {path: good, host: "evil.localhost", want: 403},
		"another loopback":        {path: good, host: "127.0.0.2:4711", want: 403},
		"all addresses":           {path: good, host: "0.0.0.0:4711", want: 403},
		"no host":                 {path: good, host: "-", want: 403},
		"foreign origin":          {path: good, header: http.Header{"Origin": {"http://evil.example"}}, want: 403},
		"opaque origin":           {path: good, header: http.Header{"Origin": {"null"}}, want: 403},
		"another port":            {path: good, header: http.Header{"Origin": {"http://127.0.0.1:1"}}, want: 403},
		"another name":            {path: good, header: http.Header{"Origin": {"http://localhost:4711"}}, want: 403},
		"https":                   {path: good, header: http.Header{"Origin": {"https://" + testHost}}, want: 403},
		"two origins":             {path: good, header: http.Header{"Origin": {"http://" + testHost, "http://evil.example"}}, want: 403},
		"cross-site":              {path: good, header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, want: 403},
		"same-site":               {path: good, header: http.Header{"Sec-Fetch-Site": {"same-site"}}, want: 403},
		"two sites":               {path: good, header: http.Header{"Sec-Fetch-Site": {"none", "cross-site"}}, want: 403},
		"post":                    {method: "POST", path: good, want: 405},
		"put":                     {method: "PUT", path: good, want: 405},
		"delete":                  {method: "DELETE", path: good + "api/recordings", want: 405},
		"options":                 {method: "OPTIONS", path: good, want: 405},
		"post from elsewhere":     {method: "POST", path: "/", want: 405},
		"out of the page":         {path: good + "page/../server.go", want: 404},
		"out of the page, hidden": {path: good + "page/%2e%2e/server.go", want: 404},
		"by backslash":            {path: good + `page/..%5cserver.go`, want: 404},
		"absolute":                {path: good + "page//etc/passwd", want: 404},
		"a folder":                {path: good + "page/engine/", want: 404},
		"no such module":          {path: good + "page/none.js", want: 404},
		"no page":                 {path: good + "nothing", want: 404},
		"recording that is none":  {path: good + "watch/../../x", want: 404},
		"malformed ID":            {path: good + "watch/abc", want: 404},
		"no such recording":       {path: good + "api/recordings/ABC", want: 404},
		"no segment number":       {path: good + "api/recordings/" + testID + "/segments/x", want: 404},
		"negative":                {path: good + "api/recordings/" + testID + "/segments/-1", want: 404},
		"another spelling":        {path: good + "api/recordings/" + testID + "/segments/00", want: 404},
		"huge":                    {path: good + "api/recordings/" + testID + "/segments/99999999999999999999", want: 404},
		"not there":               {path: good + "api/recordings/" + testID + "/segments/1", want: 404},
		"something below":         {path: good + "api/recordings/" + testID + "/segments/0/x", want: 404},
		"an export":               {path: good + "api/recordings/" + testID + "/export", want: 200},
		"its headers":             {method: "HEAD", path: good + "api/recordings/" + testID + "/export", want: 200},
		"export from elsewhere":   {path: good + "api/recordings/" + testID + "/export", header: http.Header{"Sec-Fetch-Site": {"cross-site"}}, want: 403},
		"export without token":    {path: "/api/recordings/" + testID + "/export", want: 403},
		"posted export":           {method: "POST", path: good + "api/recordings/" + testID + "/export", want: 405},
		"export of nothing":       {path: good + "api/recordings/ABC/export", want: 404},
		"no tracks":               {path: good + "api/recordings/" + testID + "/segments/0?tracks=a", want: 400},
		"ticket that is none":     {path: "/open/" + other, want: 403},
		"empty ticket":            {path: "/open/", want: 403},
		"no ticket":               {path: "/open", want: 403},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.method == "" {
				tt.method = http.MethodGet
			}
			r := httptest.NewRequest(tt.method, "http://"+testHost+tt.path, nil)
			switch tt.host {
			case "":
			case "-":
				r.Host = ""
			default:
				r.Host = tt.host
			}
			for k, v := range tt.header {
				r.Header[k] = v
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != tt.want {
				t.Errorf("status %d, want %d", w.Code, tt.want)
			}
			for _, secret := range []string{s.token, "Alice", testID} {
				if w.Code == 403 && (strings.Contains(w.Body.String(), secret) || len(w.Header()["Location"]) > 0) {
					t.Errorf("a refusal tells %q", w.Body)
				}
			}
			if got := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'; script-src 'self'; ") ||
				strings.Contains(got, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" ||
				w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Referrer-Policy") != "no-referrer" ||
				w.Header().Get("Cross-Origin-Resource-Policy") != "same-origin" || w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("headers %v", w.Header())
			}
			if w.Code == 405 && w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

// TestOpenURL: the address that command lines show works once.
func TestOpenURL(t *testing.T) {
	s := serve(t, playertest.Meeting(t, 1))
	follow := func(method, url string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(method, url, nil))
		return w
	}
	url := s.OpenURL(testHost)
	if strings.Contains(url, s.token) || !strings.HasPrefix(url, "http://"+testHost+"/open/") {
		t.Fatalf("address %s", url)
	}
	if w := follow(http.MethodHead, url); w.Code != 403 {
		t.Errorf("HEAD: %d", w.Code)
	}
	w := follow(http.MethodGet, url)
	if w.Code != http.StatusSeeOther || "http://"+testHost+w.Header().Get("Location") != s.URL(testHost) {
		t.Fatalf("%d, to %s", w.Code, w.Header().Get("Location"))
	}
	if w := follow(http.MethodGet, url); w.Code != 403 || w.Header().Get("Location") != "" {
		t.Errorf("again: %d", w.Code)
	}
	if w := follow(http.MethodGet, s.URL(testHost)); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("the page: %d", w.Code)
	}
	// From elsewhere not even a good one counts, and it is not used up.
	url = s.OpenURL(testHost)
	r := httptest.NewRequest(http.MethodGet, url, nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w = httptest.NewRecorder()
	if s.ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("cross-site: %d", w.Code)
	}
	if w := follow(http.MethodGet, url); w.Code != http.StatusSeeOther {
		t.Errorf("then: %d", w.Code)
	}
	first := s.OpenURL(testHost)
	for range maxTickets {
		s.OpenURL(testHost)
	}
	if w := follow(http.MethodGet, first); w.Code != 403 {
		t.Errorf("a ticket too old: %d", w.Code)
	}
}

// TestTokens: no two servers share one, and none is short.
func TestTokens(t *testing.T) {
	a, b := serve(t, playertest.Meeting(t, 1)), serve(t, playertest.Meeting(t, 1))
	if a.token == b.token || len(a.token) != 43 {
		t.Errorf("tokens %q, %q", a.token, b.token)
	}
	if w := get(t, a, ""); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
	a.token, b.token = b.token, a.token
	r := httptest.NewRequest(http.MethodGet, a.URL(testHost), nil)
	w := httptest.NewRecorder()
	if b.ServeHTTP(w, r); w.Code != 403 {
		t.Errorf("another server's token: %d", w.Code)
	}
}

// TestLog: what is logged names nobody and no token.
func TestLog(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelInfo}))
	p := playertest.New(t, player.Config{Library: playertest.Of(playertest.Meeting(t, 3)), Log: log})
	s, err := New(Config{Player: p, Recording: testID, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	url := s.OpenURL(testHost)
	for _, path := range []string{"", base, base + "/segments/0", base + "/segments/9", "page/x", "api/recordings"} {
		get(t, s, path)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{s.token, url[len(url)-43:], "Alice", "alice", "Stand-up"} {
		if strings.Contains(b.String(), word) {
			t.Errorf("the log has %q: %s", word, &b)
		}
	}
}
