// Package deploy has what operators run Sealtape with: a Helm chart, a compose file, units for
// systemd, the settings of packages, a dashboard and alerts. The files are used as they are;
// the command in deploy/release makes packages of them, and is a module of its own.
//
// There is no code in here but tests. Those of "make test" are in cmd/sealtape, where the
// command lines in these files can be taken apart; those here, with the tag packages, run what
// was released: "make test-packages".
package deploy
