package player_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sealtape/sealtape/testdata/player"
)

// What goes a distance arrives whole and in order, and takes no less than light
// would.
func TestDistance(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 300_000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Equal(b, body) {
			t.Errorf("%d bytes arrived: %v", len(b), err)
		}
		_, _ = w.Write(body)
	}))
	defer server.Close()
	const roundTrip = 100 * time.Millisecond
	d, err := player.NewDistance(server.Listener.Addr().String(), roundTrip)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, atLeast := range []time.Duration{2 * roundTrip, roundTrip} { // the second time the connection is there
		begun := time.Now()
		resp, err := client.Post("http://"+d.Addr(), "text/plain", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		if err != nil || !bytes.Equal(b, body) {
			t.Fatalf("%d bytes came back: %v", len(b), err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took < atLeast {
			t.Errorf("it took %v, less than %v", took, atLeast)
		}
	}
}
