package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
)

// serveMetrics has metrics and probes answered on addr until close is called. The answers are
// harmless, except that they reveal when a meeting takes place and how many attend. So it
// warns if other machines may ask.
func serveMetrics(addr string, answers http.Handler, log *slog.Logger) (close func() error, err error) {
	l, err := listen("metrics-addr", addr, "9464")
	if err != nil {
		return nil, err
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		log.Warn("the metrics can be read from other machines, without TLS or a password", "addr", l.Addr().String())
	}
	log.Info("metrics", "addr", l.Addr().String())
	return answerOn(l, answers, log), nil
}

// serveAPI answers requests on the address of a flag until close is called.
func serveAPI(flag, addr string, answers http.Handler, log *slog.Logger) (close func() error, err error) {
	if addr, err = listenAddress(addr); err != nil {
		return nil, err
	}
	l, err := listen(flag, addr, "9466")
	if err != nil {
		return nil, err
	}
	log.Info("listening", "for", strings.TrimSuffix(flag, "-listen"), "addr", l.Addr().String())
	return answerOn(l, answers, log), nil
}

// listenAddress returns where to listen: on this machine only, unless a host is named.
func listenAddress(addr string) (string, error) {
	if addr == "" {
		return "", nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return "", fmt.Errorf("%s is not an address, such as :9466", words.Quote(addr))
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// listen listens on the address of a flag, for which another port would do.
func listen(flag, addr, port string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, ui.Hinted(fmt.Errorf("--%s: %w", flag, err), "an address of this machine with a free port, such as 127.0.0.1:"+port)
	}
	return l, nil
}

// answerOn answers requests until close is called, which gives those that are under way a
// second.
func answerOn(l net.Listener, answers http.Handler, log *slog.Logger) (close func() error) {
	srv := &http.Server{
		Handler:           answers,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close() // someone is slow; nothing that is kept depends on an answer
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("%s: %w", l.Addr(), err)
		}
		return nil
	}
}
