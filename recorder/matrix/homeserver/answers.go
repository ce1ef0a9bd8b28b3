package homeserver

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
)

// maxFault bounds what an answer that says what failed may say of it, in bytes: it ends in
// errors and logs.
const maxFault = 16 << 10

// answers lets a homeserver answer with nothing but what mautrix can take: null in place of an
// object leaves it a nil pointer, which it uses.
type answers struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	var body io.Reader = resp.Body
	if resp.StatusCode >= http.StatusBadRequest {
		body = io.LimitReader(body, maxFault)
	}
	buffered := bufio.NewReader(body)
	for {
		c, err := buffered.ReadByte()
		if err != nil {
			break // whoever reads on sees it again
		}
		if !strings.ContainsRune(" \t\r\n", rune(c)) {
			if err := buffered.UnreadByte(); err != nil {
				return nil, err
			}
			break
		}
	}
	body = buffered
	if start, _ := buffered.Peek(4); bytes.Equal(start, []byte("null")) {
		body = strings.NewReader("{}")
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return resp, nil
}

// CloseIdleConnections is what http.Client asks for.
func (a answers) CloseIdleConnections() {
	if c, ok := a.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
