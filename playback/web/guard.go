package web

import (
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
)

// headers are the headers of every answer.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
		"media-src blob:; connect-src 'self'; font-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"Referrer-Policy":              "no-referrer",
	"Cache-Control":                "no-store",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Permissions-Policy": "fullscreen=(self), accelerometer=(), bluetooth=(), camera=(), display-capture=(), geolocation=(), " +
		"gyroscope=(), hid=(), identity-credentials-get=(), magnetometer=(), microphone=(), midi=(), payment=(), " +
		"publickey-credentials-get=(), screen-wake-lock=(self), serial=(), usb=(), xr-spatial-tracking=()",
}

// admit refuses a request that does not come from the page itself. It returns the
// path after the token. If ok is false, it has answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (rest string, ok bool) {
	for k, v := range headers {
		w.Header().Set(k, v)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
		return "", false
	}
	if !loopback(r.Host) || !sameOrigin(r) {
		forbid(w)
		return "", false
	}
	token, rest, slash := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if token == openPath && slash && r.Method == http.MethodGet && s.redeem(rest) {
		http.Redirect(w, r, s.path(), http.StatusSeeOther)
		return "", false
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 || !slash {
		forbid(w)
		return "", false
	}
	return rest, true
}

// forbid gives no reason: whoever has the address that the command printed is not
// refused.
func forbid(w http.ResponseWriter) {
	http.Error(w, "open the address that sealtape play shows", http.StatusForbidden)
}

// loopback reports whether a Host header names this machine's loopback. Other
// pages would come in by a name of theirs that resolves to it.
func loopback(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	switch strings.ToLower(name) {
	case "127.0.0.1", "::1", "[::1]", "localhost":
		return true
	}
	return false
}

// sameOrigin reports whether the request comes from the page, or from the address
// bar. Browsers send at least one of these headers with requests of other pages.
func sameOrigin(r *http.Request) bool {
	for _, origin := range r.Header.Values("Origin") {
		if origin != "http://"+r.Host {
			return false
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "same-origin" && site != "none" {
			return false
		}
	}
	return true
}
