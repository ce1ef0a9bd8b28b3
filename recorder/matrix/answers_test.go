package matrix

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"maunium.net/go/mautrix"
)

// A homeserver that answers null, or with faults without end, brings nothing down.
func TestAnswers(t *testing.T) {
	body, status := "", 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}))
	defer s.Close()
	c := bareCall(t, s.URL)
	c.a.client.DefaultHTTPRetries = 0
	body = " \n null"
	if id, err := c.Notice(t.Context(), "x"); id != "" {
		t.Errorf("a notice is event %q, %v", id, err)
	}
	if err := c.say(t.Context()); err == nil {
		t.Error("it is a member by no event")
	}
	if v, err := c.a.client.Versions(t.Context()); err != nil || v == nil {
		t.Errorf("versions %v, %v", v, err)
	}
	body, status = `{"errcode":"M_UNKNOWN","error":"`+strings.Repeat("x", 1<<20)+`"}`, 500
	if _, err := c.a.query(t.Context(), nil); err == nil || len(err.Error()) > 32<<10 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
	body, status = ` {"device_keys":{"@a:x":{}}}`, 200
	if got, err := c.a.query(t.Context(), nil); err != nil || len(got.Devices) != 1 {
		t.Errorf("answered %v, %v", got, err)
	}
	var resp mautrix.RespSync
	if err := json.Unmarshal([]byte(`{"next_batch":"n","to_device":{"events":[null]},"rooms":{"join":{"!a:x":null,"!b:x":{"timeline":{"events":[null]},"state":{"events":[null]}}},"invite":{"!c:x":null},"leave":{"!d:x":null}}}`), &resp); err != nil {
		t.Fatal(err)
	}
	if b, _ := c.a.take(t.Context(), &resp); len(b.Rooms) != 1 {
		t.Errorf("took in %+v", b.Rooms)
	}
}
