"""Private instances of Debian's Postfix: own configuration, queue, data and log; files of the machine are not touched.

Postfix starts as root and its daemons run as user postfix, so the directory of an instance is world-readable.
"""

import os
import re
import shutil
import subprocess

import certificate
from child import Child, accepts_connections

MASTER = "/usr/lib/postfix/sbin/master"
INTERNAL_SERVICES = """\
cleanup   unix  n       -       n       -       0       cleanup
pickup    unix  n       -       n       60      1       pickup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
proxymap  unix  -       -       n       -       -       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
anvil     unix  -       -       n       -       1       anvil
postlog   unix-dgram n  -       n       -       1       postlogd
lmtp      unix  -       -       n       -       -       lmtp
virtual   unix  -       n       n       -       -       virtual
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
scache    unix  -       -       n       -       1       scache
"""


class Postfix:
    """`services`: {(address, port): {name: value}}: an smtpd on each, with these settings of its own.

    `screened`: more of these, which share one postscreen with its settings in main.cf. `more`: lines of master.cf.
    `name_server`: the address of the name server that it asks instead of the system's, at port 53.
    """

    def __init__(self, directory, hostname, settings, services, tables=(), screened=(), more="", name_server=None):
        self.directory = directory
        self.log_path = os.path.join(directory, "maillog")
        self._skipped = 0
        for name in ("", "queue", "data", "config"):
            os.makedirs(os.path.join(directory, name), mode=0o755, exist_ok=True)
        shutil.chown(os.path.join(directory, "data"), "postfix")
        for name, text in dict(tables).items():
            self._write(name, text)
        self._write("config/main.cf", self._main_cf(hostname, settings))
        self._write("config/master.cf", self._master_cf(services, screened) + more)
        config = os.path.join(directory, "config")
        subprocess.run(["/usr/sbin/postfix", "-c", config, "check"], check=True, capture_output=True, timeout=60)
        # -d: do not go to the background, because the master is our child and is ended by its id.
        self._master = Child(
            f"postfix {hostname}",
            [*self._with_names_of(name_server), MASTER, "-c", config, "-d"],
            os.path.join(directory, "output"),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": config},
        )
        for address, port in [*services, *screened]:
            self._master.wait_until(lambda: accepts_connections(address, port), 20, f"listen on {address}:{port}")

    def _with_names_of(self, name_server):
        """The beginning of a command that sees an /etc/resolv.conf of its own."""
        if name_server is None:
            return []
        self._write("resolv.conf", f"nameserver {name_server}\n")
        mount = f"mount --bind {self.directory}/resolv.conf /etc/resolv.conf && exec \"$@\""
        return ["/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", mount, "sh"]

    def _write(self, name, text):
        with open(os.path.join(self.directory, name), "w", encoding="ascii") as file:
            file.write(text)

    def _main_cf(self, hostname, settings):
        everything = {
            "compatibility_level": "3.6",
            "queue_directory": os.path.join(self.directory, "queue"),
            "data_directory": os.path.join(self.directory, "data"),
            "maillog_file": self.log_path,
            "maillog_file_prefixes": self.directory,
            "myhostname": hostname,
            "mydestination": "",
            "local_recipient_maps": "",
            "alias_maps": "",
            "mynetworks": "",
            "inet_interfaces": "loopback-only",
            "inet_protocols": "ipv4",
            "smtpd_peername_lookup": "no",
            "smtputf8_enable": "yes",
            # Every client gets a new smtpd, so none keeps a policy connection to a verifyd that a test has ended.
            "max_use": "1",
            "default_database_type": "texthash",
            "smtpd_error_sleep_time": "0",
            "smtpd_hard_error_limit": "20",
        }
        everything.update(settings)
        return "".join(f"{name} = {value}\n" for name, value in everything.items())

    @staticmethod
    def _master_cf(services, screened):
        lines = []
        for address, port in screened:
            lines.append(f"{address}:{port} inet n - n - 1 postscreen\n")
        if screened:
            lines.append("smtpd pass - - n - - smtpd\n")
        for (address, port), settings in services.items():
            host = f"[{address}]" if ":" in address else address
            lines.append(f"{host}:{port} inet n - n - - smtpd\n")
            lines.extend(f"  -o {{ {name} = {value} }}\n" for name, value in settings.items())
        return "".join(lines) + INTERNAL_SERVICES

    def sendmail(self, sender, recipients, message, *flags):
        """Submits mail as a program on this machine does: sendmail(1). With "-bv" recipients are probed instead."""
        config = os.path.join(self.directory, "config")
        subprocess.run(
            ["/usr/sbin/sendmail", "-C", config, *flags, "-f", sender, *recipients],
            input=message,
            stdout=subprocess.DEVNULL,
            text=True,
            check=True,
            timeout=20,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MAIL_CONFIG": config},
        )

    def private_socket(self, service):
        """The path of the socket of an internal service."""
        return os.path.join(self.directory, "queue", "private", service)

    def skip_log(self):
        """Makes `log` skip the lines so far."""
        # The first line makes the log.
        self._skipped = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            file.seek(self._skipped)
            return file.read()

    def wait_for_log(self, pattern, seconds=5):
        """The first log line that contains the pattern."""

        def find():
            return next((line for line in self.log().splitlines() if re.search(pattern, line)), None)

        return self._master.wait_until(find, seconds, f"log a line that matches {pattern}")

    def close(self):
        # The master passes SIGTERM on to its daemons.
        self._master.stop()


def gateway(directory, address, policy_endpoint, target, relay_domains, **settings):
    """A filtering gateway. Each port is one way to ask; `gateway_port` has the list. `settings`: more of its main.cf."""
    policy = f"check_policy_service {{ inet:{policy_endpoint}, timeout=15s, default_action=DUNNO }}"
    unix_policy = "check_policy_service { unix:verifyd/policy, timeout=15s, default_action=DUNNO }"
    before = "reject_non_fqdn_recipient, reject_unauth_destination"
    services = {}
    for name, checks in {
        "policy": policy,
        "unix": unix_policy,
        "warn": f"warn_if_reject {policy}",
        "stress": policy,
        "then_reject": f"{policy}, reject",
        "native": "reject_unverified_recipient",
        "native_550": "reject_unverified_recipient",
    }.items():
        services[(address, GATEWAY_PORTS[name])] = {"smtpd_recipient_restrictions": f"{before}, {checks}"}
    sender_policy = policy.replace(" }", ", policy_context=sender }")
    for name, checks in {"sender": sender_policy, "native_sender": "reject_unverified_sender"}.items():
        services[(address, GATEWAY_PORTS[name])] = {
            "smtpd_sender_restrictions": checks,
            "smtpd_recipient_restrictions": before,
            "unverified_sender_reject_code": "550",
        }
    services[(address, GATEWAY_PORTS["stress"])]["stress"] = "yes"
    services[(address, GATEWAY_PORTS["native_550"])]["unverified_recipient_reject_code"] = "550"
    return Postfix(
        directory,
        "gateway.test",
        {
            "relay_domains": " ".join(relay_domains),
            # verify(8) asks the system's name server, which knows nothing of this world, so its routes are given here.
            "relay_transport": f"smtp:[{target.address}]:{target.port}",
            "address_verify_map": f"btree:{directory}/data/verify_cache",
            "address_verify_poll_delay": "1s",
            **settings,
        },
        services,
    )


def verify_gateway(directory, address, target, relay_domains):
    """A gateway whose verify(8) is verifyd at `private_socket("verifyd")`: two lines of its main.cf.

    Its ports are as those of `gateway`: native, native_550, native_sender. Its stock verify(8) runs, too, and sends
    probes to `target`.
    """
    services = {(address, GATEWAY_PORTS[name]): {} for name in ("native", "native_550", "native_sender")}
    services[(address, GATEWAY_PORTS["native_550"])]["unverified_recipient_reject_code"] = "550"
    services[(address, GATEWAY_PORTS["native_sender"])] = {
        "smtpd_sender_restrictions": "reject_unverified_sender",
        "smtpd_recipient_restrictions": "reject_unauth_destination",
        "unverified_sender_reject_code": "550",
    }
    return Postfix(
        directory,
        "verify-gateway.test",
        {
            "relay_domains": " ".join(relay_domains),
            "smtpd_recipient_restrictions": "reject_unauth_destination, reject_unverified_recipient",
            "address_verify_service_name": "verifyd",
            "address_verify_poll_count": "1",
            "relay_transport": f"smtp:[{target.address}]:{target.port}",
        },
        services,
    )


GATEWAY_PORTS = {
    "policy": 2601,
    "unix": 2602,
    "warn": 2603,
    "stress": 2604,
    "native": 2605,
    "native_550": 2606,
    "sender": 2607,
    "native_sender": 2608,
    "then_reject": 2609,
}


LOOKUP_PORTS = {"socketmap": 2621, "tcp-table": 2622, "relay-recipients": 2623}


def lookup_gateway(directory, address, snippets, relay_domains):
    """A gateway that looks recipients up; `snippets`: {name of LOOKUP_PORTS: settings}."""
    return Postfix(
        directory,
        "gateway.test",
        {"relay_domains": " ".join(relay_domains)},
        {(address, port): snippets[name] for name, port in LOOKUP_PORTS.items()},
    )


def filtered_gateway(directory, address, relay_domains, sink, milter, policy, before, behind, spf_service):
    """A gateway that asks verifyd as a milter, and sends accepted mail to `sink`. `FILTERED_PORTS` are the ways to ask.

    `milter`, `policy`: the sockets of verifyd. `before`, `behind`: other milters, which the chains have around it. The
    chains ask the SPF service first, and their clients may give another identity by XCLIENT.
    """

    def filters(*endpoints, more=""):
        return ", ".join(f"{{ inet:{endpoint}, default_action=accept{more} }}" for endpoint in endpoints)

    before_ours = "reject_unauth_destination, check_policy_service unix:private/policyd-spf"
    ours = f"check_policy_service {{ inet:{policy}, timeout=15s, default_action=DUNNO }}"
    ways = {
        "milter": {},
        "unix": {"smtpd_milters": "{ unix:verifyd/milter, default_action=accept }"},
        "submission": {"milter_macro_daemon_name": "ORIGINATING"},
        "dry_run": {"milter_macro_daemon_name": "dry_run"},
        "impatient": {"smtpd_milters": filters(milter, more=", command_timeout=11s").replace("=accept", "=tempfail")},
        "chain": {"smtpd_milters": filters(before, milter, behind), "smtpd_recipient_restrictions": before_ours},
        "policy_chain": {
            "smtpd_milters": filters(before, behind),
            "smtpd_recipient_restrictions": f"{before_ours}, {ours}",
        },
    }
    return Postfix(
        directory,
        "gateway.test",
        {
            "relay_domains": " ".join(relay_domains),
            "relay_transport": f"smtp:{sink.endpoint}",
            "default_transport": f"smtp:{sink.endpoint}",
            "smtpd_recipient_restrictions": "reject_unauth_destination",
            "smtpd_milters": filters(milter),
            "non_smtpd_milters": filters(milter),
            "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
        },
        {(address, FILTERED_PORTS[name]): settings for name, settings in ways.items()},
        more=spf_service,
    )


FILTERED_PORTS = {
    "milter": 2621,
    "unix": 2622,
    "submission": 2623,
    "dry_run": 2624,
    "impatient": 2625,
    "chain": 2626,
    "policy_chain": 2627,
}


def recipient_table_target(directory, address, port, domain, users, **settings):
    """A mail server that knows its users by a table; `settings`: more of its main.cf."""
    table = os.path.join(directory, "recipients")
    return Postfix(
        directory,
        f"mx.{domain}",
        {
            "relay_domains": domain,
            "relay_recipient_maps": f"texthash:{table}",
            "smtpd_recipient_restrictions": "reject_unauth_destination",
            **settings,
        },
        {(address, port): {}},
        {"recipients": "".join(f"{user}@{domain} OK\n" for user in users)},
    )


GREET_SECONDS = 1


def tempers(directory, addresses, port, ipv6_port, users, greylisting_socket):
    """One Postfix with a table of recipients and a service for every temper; `addresses`: {temper: address}.

    Each temper has the domain TEMPER.test and the same users. encrypt: it requires TLS. pause: postscreen, whose
    greeting takes GREET_SECONDS. soft: every refusal is a 4yz. postgrey: it greylists. six: it is on ::1 only.
    """
    domains = [f"{temper}.test" for temper in ("encrypt", "pause", "soft", "postgrey", "six")]
    os.makedirs(directory, mode=0o755, exist_ok=True)
    certificate_file, key_file = certificate.self_signed(directory, "mx.encrypt.test")
    policy = f"check_policy_service {{ unix:{greylisting_socket}, timeout=15s }}"
    return Postfix(
        directory,
        "tempers.test",
        {
            "relay_domains": " ".join(domains),
            "relay_recipient_maps": f"texthash:{directory}/recipients",
            "smtpd_recipient_restrictions": "reject_unauth_destination",
            "inet_protocols": "all",
            "smtpd_tls_chain_files": f"{key_file}, {certificate_file}",
            "smtpd_tls_loglevel": "1",
            "postscreen_greet_action": "enforce",
            "postscreen_greet_wait": f"{GREET_SECONDS}s",
            "postscreen_cache_map": "",  # every connection is tested
        },
        {
            (addresses["encrypt"], port): {"smtpd_tls_security_level": "encrypt"},
            (addresses["soft"], port): {"soft_bounce": "yes"},
            (addresses["postgrey"], port): {
                "smtpd_recipient_restrictions": f"reject_unauth_destination, reject_unlisted_recipient, {policy}"
            },
            ("::1", ipv6_port): {},
        },
        {"recipients": "".join(f"{user}@{domain} OK\n" for user in users for domain in domains)},
        screened=[(addresses["pause"], port)],
    )


def stock(directory, address, port, target, lmtp_socket):
    """A Postfix whose verify(8) and trivial-rewrite are asked instead of its smtpd.

    Only this Postfix knows that stock.test is at `target`, and lmtp.test at the UNIX socket `lmtp_socket`. Its own
    user heidi of virtual.test is in a class that no prober can reach by SMTP.
    """
    return Postfix(
        directory,
        "stock.test",
        {
            "relay_domains": "stock.test lmtp.test",
            "transport_maps": f"texthash:{directory}/transport",
            "virtual_mailbox_domains": "virtual.test",
            "virtual_mailbox_maps": f"texthash:{directory}/mailboxes",
            "virtual_mailbox_base": f"{directory}/mail",
            "virtual_uid_maps": "static:65534",
            "virtual_gid_maps": "static:65534",
            "address_verify_map": f"btree:{directory}/data/verify_cache",
            # If verify(8) ended with its client, the probe for this client would end, too.
            "max_use": "100",
        },
        {(address, port): {}},
        {
            "transport": f"stock.test smtp:[{target.address}]:{target.port}\nlmtp.test lmtp:unix:{lmtp_socket}\n",
            "mailboxes": "heidi@virtual.test heidi/\n",
        },
    )


def sender(directory, address, port, domain, server, content_filter, filtered_users):
    """A Postfix that delivers mail for `domain` to `server`; for `filtered_users` to a content filter instead.

    `info@` is an alias of dave. Mail for other domains is thrown away.
    """
    transports = "".join(f"{user}@{domain} smtp:{content_filter}\n" for user in filtered_users)
    return Postfix(
        directory,
        "sender.test",
        {
            "relay_domains": domain,
            "relay_transport": f"smtp:{server}",
            "default_transport": "discard:",
            "transport_maps": f"texthash:{directory}/transport",
            "virtual_alias_maps": f"texthash:{directory}/aliases",
            "smtp_tls_security_level": "none",
        },
        {(address, port): {}},
        {"transport": transports, "aliases": f"info@{domain} dave@{domain}\n"},
    )
