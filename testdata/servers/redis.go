package servers

import (
	"context"
	"fmt"
	"os/exec"
)

// A Redis is a running Redis server, by which several nodes of LiveKit find one another. It
// keeps nothing on a disk.
type Redis struct {
	*process
	Addr string // 127.0.0.1:PORT
}

// StartRedis starts the redis-server of the system and returns once it takes connections.
// The context is for the start only.
func StartRedis(ctx context.Context) (*Redis, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("servers: Debian's package redis-server has it: %w", err)
	}
	s := &Redis{}
	s.process, err = retryPorts(func() (*process, error) {
		ports, err := FreePorts(1)
		if err != nil {
			return nil, err
		}
		s.Addr = fmt.Sprintf("127.0.0.1:%d", ports[0])
		return start(ctx, "redis-server", path, []string{"--bind", "127.0.0.1", "--port", fmt.Sprint(ports[0]),
			"--save", "", "--appendonly", "no"}, nil, "tcp://"+s.Addr)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}
