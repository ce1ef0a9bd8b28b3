// Command strict reads Kubernetes objects, as "helm template" prints them, from standard input.
// It decodes each into Kubernetes' own types, refuses what those have no field for and wrong
// types, and pods that may do more than a recorder needs. It prints what is wrong, and how many
// objects it saw.
//
// It is a module of its own, so that nothing else needs Kubernetes.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

func main() {
	n, err := checkAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(n)
}

// checkAll checks all objects of a stream, and returns how many there are.
func checkAll(r io.Reader) (n int, err error) {
	docs := utilyaml.NewYAMLReader(bufio.NewReader(r))
	var errs []error
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return n, errors.Join(errs...)
		} else if err != nil {
			return n, err
		}
		var head struct {
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
		}
		if err := yaml.Unmarshal(doc, &head); err != nil {
			return n, err
		}
		if head.Kind == "" {
			continue // a comment
		}
		n++
		if err := check(head.TypeMeta, doc); err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", head.Kind, head.Name, err))
		}
	}
}

// check checks one object.
func check(kind metav1.TypeMeta, doc []byte) error {
	strict := func(to any) error { return yaml.UnmarshalStrict(doc, to) }
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 ConfigMap":
		return strict(&corev1.ConfigMap{})
	case "v1 Service":
		return strict(&corev1.Service{})
	case "policy/v1 PodDisruptionBudget":
		return strict(&policyv1.PodDisruptionBudget{})
	case "apps/v1 Deployment":
		var d appsv1.Deployment
		if err := strict(&d); err != nil {
			return err
		}
		return checkPod(&d.Spec.Template.Spec)
	case "apps/v1 StatefulSet":
		var s appsv1.StatefulSet
		if err := strict(&s); err != nil {
			return err
		}
		return checkPod(&s.Spec.Template.Spec)
	case "monitoring.coreos.com/v1 PodMonitor", "monitoring.coreos.com/v1 PrometheusRule":
		return nil // whose types Kubernetes does not have
	}
	return fmt.Errorf("%s is not expected here", kind.APIVersion)
}

// checkPod holds a pod to the restricted standard of pod security, and to a root filesystem
// that nobody writes to, an account that may nothing, and bounded memory.
func checkPod(p *corev1.PodSpec) error {
	var errs []error
	want := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	is := func(b *bool, v bool) bool { return b != nil && *b == v }
	want(is(p.AutomountServiceAccountToken, false), "has a service account's token")
	want(!p.HostNetwork && !p.HostPID && !p.HostIPC, "shares something with its host")
	s := p.SecurityContext
	want(s != nil && is(s.RunAsNonRoot, true) && s.RunAsUser != nil && *s.RunAsUser != 0, "may run as root")
	want(s != nil && s.SeccompProfile != nil && s.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault, "has no seccomp profile")
	volumes := make(map[string]bool)
	for _, v := range p.Volumes {
		volumes[v.Name] = true
		want(v.HostPath == nil, "mounts a folder of its host")
	}
	for _, c := range slices.Concat(p.InitContainers, p.Containers) {
		s := c.SecurityContext
		want(s != nil && is(s.ReadOnlyRootFilesystem, true) && is(s.AllowPrivilegeEscalation, false) && s.Capabilities != nil &&
			slices.Contains(s.Capabilities.Drop, "ALL") && len(s.Capabilities.Add) == 0, c.Name+" may do more than it needs")
		want(!c.Resources.Limits.Memory().IsZero(), c.Name+" may take all memory")
		for _, m := range c.VolumeMounts {
			want(volumes[m.Name] || m.Name == "home", c.Name+" mounts "+m.Name+", which is no volume")
		}
		for _, v := range c.Env {
			want(v.ValueFrom == nil || v.ValueFrom.SecretKeyRef == nil || v.Name == "LIVEKIT_API_KEY", c.Name+" has a secret in "+v.Name)
		}
	}
	return errors.Join(errs...)
}
