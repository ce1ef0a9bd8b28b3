//go:build unix

package worker

import (
	"os"
	"os/exec"
)

// startOrphan starts a child whose status nobody reads.
func startOrphan(o orders, env []string) (*exec.Cmd, error) {
	p := new(pipes)
	args := []string{"record", "--config", p.send(o.config), "--secrets-file", p.send([]byte("{}"))}
	status, name := p.receive()
	if p.err != nil {
		return nil, p.err
	}
	cmd := exec.Command(os.Args[0], append(args, "--status-file", name)...)
	cmd.Env, cmd.ExtraFiles = env, p.theirs
	err := cmd.Start()
	p.started = err == nil
	p.close()
	if err := status.Close(); err != nil {
		return nil, err
	}
	return cmd, err
}
