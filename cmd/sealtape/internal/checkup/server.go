package checkup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// LiveKit asks the server for its root page, which a LiveKit server answers with
// OK, without a token. The address is what LIVEKIT_URL holds.
func LiveKit(ctx context.Context, r *Report, address string) {
	const section, name, hint = "livekit", "server", "check LIVEKIT_URL, and that the server can be reached from here"
	u, err := url.Parse(address)
	if err == nil && (u.Host == "" || u.User != nil) {
		err = errors.New("no host")
	}
	schemes := map[string]string{"ws": "http", "wss": "https", "http": "http", "https": "https"}
	if err != nil || schemes[u.Scheme] == "" {
		// The text is not shown: it may be something else, pasted by mistake.
		r.Fail(section, name, errors.New("LIVEKIT_URL is not of the form wss://HOST"), hint)
		return
	}
	insecure := u.Scheme == "ws" || u.Scheme == "http"
	host := u.Hostname()
	u.Scheme, u.RawQuery, u.Fragment = schemes[u.Scheme], "", ""
	resp, err := ask(ctx, u.String())
	switch {
	case err != nil:
		r.Fail(section, name, fmt.Errorf("no answer: %w", err), hint)
	case resp.StatusCode != http.StatusOK:
		r.Warn(section, name, "a LiveKit server answers 200 OK there; a proxy before it may not", "%s answers %s", host, resp.Status)
	case insecure && host != "localhost" && !strings.HasPrefix(host, "127.") && host != "::1":
		r.Warn(section, name, "use wss://: the token that joins the room goes over this connection", "%s answers, without TLS", host)
	default:
		r.Pass(section, name, "%s answers", host)
	}
}

// ask makes one request for the root of a server, with no credentials, and
// returns the answer without its body.
func ask(ctx context.Context, url string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, errors.New("this is no URL of a server")
	}
	req.URL.User, req.URL.RawQuery = nil, "" // nothing secret is sent, or quoted in errors
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp, errors.Join(err, resp.Body.Close())
}
