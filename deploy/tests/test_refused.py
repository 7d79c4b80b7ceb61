"""What cannot work fails in a sentence that names the value; each sentence of the chart is tried."""

import copy
import re
import unittest

from chart import CHART, FOLDER, VALUES, changed, render
from test_values import DEFAULTS, paths

HOOK = {"preStop": {"exec": {"command": ["/hook"]}}}
TRIED = {
    "replicaCount: without Redis": [
        changed("alone", replicaCount=2),
        changed("alone", autoscaling={"hpa": {"enabled": True}}),
    ],
    "autoscaling: hpa.enabled and keda.enabled": [
        changed("hpa", autoscaling={"hpa": {"enabled": True}, "keda": {"enabled": True, "prometheusAddress": "http://p"}}),
    ],
    "autoscaling.minReplicas: 11 is more than": [changed("hpa", autoscaling={"minReplicas": 11, "hpa": {"enabled": True}})],
    "autoscaling.keda.prometheusAddress": [changed("hpa", autoscaling={"keda": {"enabled": True}})],
    "redis.url and secrets.redisUrl: say the URL once": [changed("production", redis={"url": "redis://x"})],
    "redis.url: has a password": [
        changed("hpa", redis={"url": url})
        for url in (
            "redis://:pa:ss@redis:6379",
            "rediss-cluster://switchboard:p%40ss@redis?node=other:6379",
            "redis-sentinel://s1:26379?sentinelServiceName=m&sentinelPassword=p",
        )
    ],
    "trialRedis.enabled: there is a Redis": [changed("hpa", trialRedis={"enabled": True})],
    "redis.tls.secretName: redis.url is without TLS": [changed("hpa", redis={"url": "redis://x", "tls": {"secretName": "ca"}})],
    "redis.tls: cert and key": [changed("sentinel", redis={"url": "rediss://x", "tls": {"secretName": "s", "cert": "tls.crt"}})],
    "networkPolicy.egress: the gateways could not reach Redis": [changed("hpa", networkPolicy={"enabled": True})],
    "secrets.jwtSecret: nobody would need a token": [changed("hpa", secrets={})],
    "config.listen: the chart sets this": [changed("hpa", config={"listen": "0.0.0.0:1"})],
    "config.node.name: the chart sets this": [changed("hpa", config={"node": {"name": "a"}})],
    "config.ice.fetch.headers: the chart sets this": [changed("hpa", config={"ice": {"fetch": {"headers": {"a": "b"}}}})],
    "config.ice.fetch.body: may hold a secret, and a ConfigMap keeps none": [changed("hpa", config={"ice": {"fetch": {"body": "{}"}}})],
    "SWITCHBOARD_ICE__TURN_SECRET_OLD, valueFrom": [changed("hpa", config={"ice": {"turn_secret_old": "s"}})],
    "SWITCHBOARD_AUTH__JWT__SECRET_OLD, valueFrom": [changed("hpa", config={"auth": {"jwt": {"secret_old": "s"}}})],
    "config.auth.jwt.secret: the chart sets this": [changed("hpa", config={"auth": {"jwt": {"secret": "s"}}})],
    "tls.existingSecret and config.tls: say once": [
        changed("hpa", tls={"existingSecret": "t"}, config={"tls": {"cert_file": "/a", "key_file": "/b"}}),
    ],
    "extraEnv: say SWITCHBOARD_DRAIN__WINDOW_MS in config.drain": [
        changed("hpa", extraEnv=[{"name": "SWITCHBOARD_DRAIN__WINDOW_MS", "value": "1"}]),
    ],
    "config.drain.deadline_ms: 60000 is less than": [changed("hpa", config={"drain": {"window_ms": 900000}})],
    "minReadySeconds: 39 is too short": [changed("hpa", minReadySeconds=39)],
    "minReadySeconds: 40 is too short": [changed("hpa", minReadySeconds=40, lifecycle={"preStop": {"sleep": {"seconds": 1}}})],
    "terminationGracePeriodSeconds: 74 is too short": [
        changed("hpa", terminationGracePeriodSeconds=74),
        changed("slow-drain", terminationGracePeriodSeconds=74),
    ],
    "lifecycle.preStop: the drain begins": [
        changed("hpa", lifecycle=HOOK),
        changed("hpa", lifecycle=HOOK, terminationGracePeriodSeconds=135),
        changed("hpa", lifecycle=HOOK, minReadySeconds=100),
    ],
    "httpRoute.parentRefs: a route needs": [changed("hpa", httpRoute={"enabled": True})],
    "ingress.hosts: say at least one": [changed("hpa", ingress={"enabled": True})],
    "service.type: ClusterIP has no load balancer": [changed("hpa", service={"loadBalancerClass": "a"})],
    "service.externalTrafficPolicy: nothing comes from outside": [changed("hpa", service={"externalTrafficPolicy": "Local"})],
}


def said(values):
    """The sentence with which Helm refuses these values; empty where it takes them."""
    try:
        render(values)
    except Exception as refused:
        return str(refused)
    return ""


class Refused(unittest.TestCase):
    def test_what_cannot_work_is_refused_by_name(self):
        for words, sets in TRIED.items():
            for values in sets:
                self.assertIn(words, said(values))

    def test_a_redis_url_without_a_password_is_taken(self):
        for url in ("redis://user@redis:6379/1", "redis-sentinel://s1:26379?sentinelServiceName=m&sentinelUsername=u&node=s2:26379"):
            self.assertEqual(said(changed("hpa", redis={"url": url})), "")

    def test_each_sentence_of_the_chart_is_tried(self):
        heard = [said(sets[0]) for sets in TRIED.values()]
        templates = "".join(path.read_text() for path in FOLDER.glob("templates/*.tpl"))
        sentences = re.findall(r'fail (?:\(printf )?"([^"]+)"', templates)
        self.assertEqual(templates.count("{{- fail "), len(sentences))
        for sentence in sentences:
            pattern = ".*".join(map(re.escape, re.split("%[vs]", sentence)))
            self.assertTrue(any(re.search(pattern, text) for text in heard), sentence)

    def test_a_value_that_was_set_to_null_is_named_or_not_needed(self):
        for path in paths(DEFAULTS):
            *parents, key = path.split(".")
            for name in ("trial", "production", "keda"):
                values = copy.deepcopy(VALUES[name])
                tree = values
                for parent in parents:
                    tree = tree.setdefault(parent, {})
                tree[key] = None
                words = said(values)
                with self.subTest(path, name=name):
                    self.assertTrue(not words or f"missing property '{key}'" in words or any(words_of in words for words_of in TRIED), words)
        for path in ("lifecycle", "config", "redis", "podDisruptionBudget"):
            self.assertIn(f"at '': missing property '{path}'", said(changed("hpa", **{path: None})))
        self.assertIn("at '/autoscaling': missing property 'hpa'", said(changed("hpa", autoscaling={"hpa": None})))

    def test_the_schema_refuses_what_was_typed_wrong(self):
        wrong = [
            {"replicas": 3},
            {"replicaCount": 0},
            {"redis": {"url": "cache:6379"}},
            {"secrets": {"jwtSecret": "plain"}},
            {"monitoring": {"interval": 15}},
            {"monitoring": {"kind": "PodMonitors"}},
            {"monitoring": {"rules": {"runbookUrl": "docs/runbooks"}}},
            {"image": {"digest": "latest"}},
            {"ingress": {"paths": []}},
            {"service": {"externalTrafficPolicy": "local"}},
            {"config": {"drain": {"window_ms": "30s"}}},
            {"config": {"drain": {"grace_ms": 1.5}}},
            {"config": {"drain": {"deadline_ms": "60000"}}},
            {"config": {"auth": "open"}},
            {"lifecycle": {"preStop": {"sleep": {"seconds": "10"}}}},
            {"podDisruptionBudget": {"maxUnavailable": 0}},
            {"podDisruptionBudget": {"maxUnavailable": "0%"}},
        ]
        for values in (*VALUES.values(), {"podDisruptionBudget": {"maxUnavailable": "25%"}}):
            CHART.validate_schema(values)
        for values in wrong:
            with self.subTest(values), self.assertRaises(Exception):
                CHART.validate_schema(values)
