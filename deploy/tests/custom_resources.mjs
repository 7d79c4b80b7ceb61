/** Reads manifests as JSON from standard input, and ends with 1 and a sentence where one does not fit the model of its operator. */
import { text } from 'node:stream/consumers';

const MODELS = {
  PodMonitor: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor',
  ServiceMonitor: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor',
  PrometheusRule: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule',
  ScaledObject: '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject',
  HTTPRoute: '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1/HTTPRoute',
};

for (const manifest of JSON.parse(await text(process.stdin))) {
  const { [manifest.kind]: Model } = await import(MODELS[manifest.kind]);
  try {
    new Model(manifest).validate();
  } catch (error) {
    console.error(`${manifest.kind}: ${error.message}`);
    process.exitCode = 1;
  }
}
