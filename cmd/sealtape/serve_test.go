package main

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/recorder"
	"github.com/sealtape/sealtape/recorder/bot"
	"github.com/sealtape/sealtape/recorder/bot/metrics"
)

// still is a recorder that has not begun.
type still struct{}

func (still) Status() bot.Status {
	return bot.Status{Status: recorder.Status{State: recorder.StateStarting}}
}

func TestServeMetrics(t *testing.T) {
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	b := still{}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addr := range []string{taken.Addr().String(), "nowhere", "127.0.0.1:99999"} {
		_, err := serveMetrics(addr, metrics.Handler(b), log)
		if _, hints := explained(err); err == nil || len(hints) != 1 || !strings.Contains(hints[0], "127.0.0.1:9464") {
			t.Errorf("%s: %v, %q", addr, err, hints)
		}
	}
	for _, tt := range []struct {
		addr  string
		warns bool
	}{{"127.0.0.1:0", false}, {"0.0.0.0:0", true}} {
		said.Reset()
		end, err := serveMetrics(tt.addr, metrics.Handler(b), log)
		if err != nil {
			t.Fatal(err)
		}
		_, addr, ok := strings.Cut(said.String(), "msg=metrics addr=")
		if addr = strings.TrimSpace(addr); !ok || strings.Contains(said.String(), "WARN") != tt.warns {
			t.Errorf("%s: says %s", tt.addr, &said)
		}
		if _, port, err := net.SplitHostPort(addr); err == nil {
			addr = net.JoinHostPort("127.0.0.1", port)
		}
		resp, err := http.Get("http://" + addr + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.Body.Close(); err != nil || string(body) != "ok\n" || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
			t.Errorf("%q %v %v", body, err, resp.Header)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		if _, err := net.Dial("tcp", addr); err == nil {
			t.Error("listens after its end")
		}
	}
}
