package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// serveMetrics has /metrics, /healthz and /readyz answered on addr until close is called.
// The answers are harmless, except that they reveal when a meeting takes place and how
// many attend. So it warns if other machines may ask.
func serveMetrics(addr string, answers http.Handler, log *slog.Logger) (close func() error, err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, ui.Hinted(fmt.Errorf("--metrics-addr: %w", err), "an address of this machine with a free port, such as 127.0.0.1:9464")
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("the metrics can be read from other machines, without TLS or a password", "addr", l.Addr().String())
	}
	log.Info("metrics", "addr", l.Addr().String())
	srv := &http.Server{
		Handler:           answers,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second,
		WriteTimeout: 20 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close() // someone reads slowly; it is only metrics
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("metrics: %w", err)
		}
		return nil
	}, nil
}
