"""Three invented days at Contoso Bakeries, as plain events. make.py writes them down in each spelling.

Everything is invented: people, tenant, identifiers. Addresses are from the documentation ranges
(RFC 5737, RFC 3849), autonomous system numbers from RFC 5398. Nothing here is random at run time:
every "random" value is a hash of a name, so that a new event never changes an old one.
"""
import hashlib

TENANT = "c0b7a3e1-5d2f-4c68-9e04-7a1b2c3d4e5f"
GUEST_TENANT = "9d1f0c52-7b34-4e8a-b6a9-0f5e6d7c8b9a"
DAYS = {"mon": "2026-03-02", "tue": "2026-03-03", "wed": "2026-03-04"}

# The texts of error 50053. Microsoft writes each with small differences, and so does this story.
LOCKED = ("The account is locked, you've tried to sign in too many times with an incorrect user ID"
          " or password.")
LOCKED_CURLY = LOCKED.replace("'", "\u2019")
MALICIOUS = "Sign-in was blocked because it came from an IP address with malicious activity"
MALICIOUS_STOP = MALICIOUS + "."
HIGH_RISK = "Sign-in was blocked by built-in protections due to high confidence of risk."
TWO_REASONS = ("This error can result from two different reasons: the account is locked because the"
               " user tried to sign in too many times with an incorrect user ID or password; or"
               " sign-in was blocked because it came from an IP address with malicious activity.")
TEXTS = {
    50034: "The user account does not exist in the directory.",
    50074: "User did not pass the MFA challenge.",
    50076: "Due to a configuration change made by your administrator, or because you moved to a new"
           " location, you must use multi-factor authentication to access the resource.",
    50126: "Error validating credentials due to invalid username or password.",
    50140: "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
    500532: LOCKED,
    7000222: "The provided client secret keys for app are expired.",
}
REASONS = {LOCKED: "lockout", LOCKED_CURLY: "lockout", MALICIOUS: "malicious_ip",
           MALICIOUS_STOP: "malicious_ip", HIGH_RISK: "high_confidence_risk",
           TWO_REASONS: "generic", None: "absent"}


def number(name, below):
    """A number in 0..below that depends on nothing but `name`."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % below


def guid(name, tail=""):
    """An identifier that depends on nothing but `name`. Sign-in ids end in 00, as real ones do."""
    h = hashlib.sha256(("contoso-bakeries " + name).encode()).hexdigest()
    text = f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) % 4]}{h[17:20]}-{h[20:32]}"
    return text[: len(text) - len(tail)] + tail


# address -> (ASN, country, state, city, latitude, longitude); None where the log knows no place
OFFICE = "198.51.100.10"
VPN = "198.51.100.20"
BRISTOL = ("GB", "England", "Bristol", 51.45523, -2.59665)
PLACES = {
    OFFICE: (64496,) + BRISTOL,
    VPN: (64496,) + BRISTOL,
    "192.0.2.11": (64497,) + BRISTOL,
    "2001:db8:100:b::20": (64498, "GB", "England", "Bath", 51.3751, -2.36172),
    "192.0.2.23": (64497, "GB", "England", "Keynsham", 51.41387, -2.49781),
    "192.0.2.35": (64497,) + BRISTOL,
    "192.0.2.41": (64498, "GB", "England", "Clevedon", 51.43835, -2.85465),
    "2001:db8:100:f::9": (64498,) + BRISTOL,
    "192.0.2.52": (64497, "GB", "England", "Portishead", 51.48199, -2.76973),
    "192.0.2.60": (64497,) + BRISTOL,
    "2001:db8:100:9::4": (64498,) + BRISTOL,
    "192.0.2.77": (64497, "GB", "Wales", "Newport", 51.58774, -2.99835),
    "192.0.2.84": (64497,) + BRISTOL,
    "192.0.2.96": (64498,) + BRISTOL,
    "192.0.2.120": (64499, "ES", "Galicia", "Vigo", 42.23282, -8.72264),
    "192.0.2.150": (64497, "GB", "England", "Bath", 51.3751, -2.36172),
    "192.0.2.230": (64499, "GB", "England", None, None, None),
    "203.0.113.7": (64500, "RO", "Bucuresti", "Bucharest", 44.43225, 26.10626),
    "203.0.113.66": (64503, "VN", "Ha Noi", "Hanoi", 21.0245, 105.84117),
    "203.0.113.200": (64502, "BR", "Sao Paulo", "S\u00e3o Paulo", -23.5475, -46.63611),
}
FINANCE_IPS = ["203.0.113.101", "2001:db8:c001::1", "203.0.113.102", "2001:db8:c002::1",
               "203.0.113.103", "2001:db8:c003::1", "203.0.113.104", "2001:db8:c004::1"]
ROTATING_IPS = [ip for n in range(7) for ip in (f"203.0.113.{130 + n}", f"2001:db8:f{n:02x}::{n + 5:x}")]
ABROAD = [("BR", "Sao Paulo", "S\u00e3o Paulo", -23.5475, -46.63611),
          ("VN", "Ha Noi", "Hanoi", 21.0245, 105.84117),
          ("ID", "Jakarta Raya", "Jakarta", -6.21462, 106.84513),
          ("RO", "Bucuresti", "Bucharest", 44.43225, 26.10626),
          ("NG", "Lagos", "Lagos", 6.45407, 3.39467)]
for _n, _ip in enumerate(FINANCE_IPS):
    PLACES[_ip] = (65536 + _n % 4,) + ABROAD[_n % 4]
for _n, _ip in enumerate(ROTATING_IPS):
    PLACES[_ip] = (65540 + _n % 6,) + ABROAD[_n % 5]

# short name -> (display name, home address, a browser's user agent, OS, browser)
EDGE = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/145.0.0.0 Safari/537.36 Edg/145.0.0.0", "Windows11", "Edge 145.0.0")
SAFARI = ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
          " Version/19.1 Safari/605.1.15", "MacOs", "Safari 19.1")
FIREFOX = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:147.0) Gecko/20100101 Firefox/147.0",
           "Windows11", "Firefox 147.0")
PEOPLE = {
    "ada": ("Ada Whitlock", "192.0.2.11", SAFARI),
    "bruno": ("Bruno Falk", "2001:db8:100:b::20", EDGE),
    "carys": ("Carys Penhale", "192.0.2.23", EDGE),
    "dilip": ("Dilip Rana", "192.0.2.35", FIREFOX),
    "elin": ("Elin Sj\u00f6strand", "192.0.2.41", EDGE),
    "farah": ("Farah Nouri", "2001:db8:100:f::9", EDGE),
    "gwen": ("Gwen O'Dell", "192.0.2.52", SAFARI),
    "hamish": ("Hamish Burr", "192.0.2.60", EDGE),
    "ines": ("Ines Tavares", "2001:db8:100:9::4", EDGE),
    "jonas": ("Jonas Keller", "192.0.2.77", FIREFOX),
    "kamala": ("Kamala Ferris", "192.0.2.84", EDGE),
    "moss": ("Moss Adeyemi", "192.0.2.96", EDGE),
    "lucia": ("Luc\u00eda Prieto", "192.0.2.120", SAFARI),  # a guest from example.com
    "orders": ("Orders Mailbox", "192.0.2.150", (None, None, None)),
}
UPNS = {"ada": "ada.whitlock", "bruno": "bruno.falk", "carys": "carys.penhale", "dilip": "dilip.rana",
        "elin": "elin.sjostrand", "farah": "farah.nouri", "gwen": "gwen.odell", "hamish": "hamish.burr",
        "ines": "ines.tavares", "jonas": "jonas.keller", "kamala": "kamala.ferris",
        "moss": "moss.adeyemi", "orders": "orders"}

EXCHANGE = ("Office 365 Exchange Online", "00000002-0000-0ff1-ce00-000000000000")
HOME = ("OfficeHome", "4765445b-32c6-49b0-83e6-1d93765276ca")
TEAMS = ("Microsoft Teams", "1fec8e78-bce4-4aaf-ab1b-5451cc387264")
PORTAL = ("Azure Portal", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c")
CLI = ("Microsoft Azure CLI", "04b07795-8ddb-461a-bbee-02f9e1bf7b46")
# A formula in place of a name: a table that opens in a spreadsheet must not run it.
TRAP = ('=HYPERLINK("https://example.com/?q="&A1,"Flour prices")', guid("app flour prices"))
GRAPH = ("Microsoft Graph", "00000003-0000-0000-c000-000000000000")
BROWSER, RICH, EAS, IMAP = ("Browser", "Mobile Apps and Desktop clients", "Exchange ActiveSync", "IMAP4")

OLD_IE = ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0)", "Windows7", "IE 8.0")
PHONE_MAIL = ("Apple-iPhone14C5/2301.341", "Ios", None)
REQUESTS = ("python-requests/2.31.0", None, None)
FASTHTTP = ("fasthttp", None, None)
# An escape sequence in place of a browser: shown raw, it would paint an analyst's terminal red.
ANSI = ("curl/8.4.0 \u001b[31mred\u001b[0m", None, None)

EVENTS = []


def sign_in(name, who, day, clock, ip=None, code=0, text=None, app=HOME, client=BROWSER, agent=None,
            category="interactive", cause=None, password=None, **more):
    """Adds one sign-in. `clock` is "HH:MM:SS" or seconds since midnight; `name` decides its id."""
    if isinstance(clock, int):
        clock = f"{clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}"
    person = PEOPLE.get(who)
    text = text if code == 50053 else TEXTS.get(code)
    if password is None:
        password = {0: True, 50074: True, 50076: True, 50140: True, 50126: False}.get(code)
    EVENTS.append(dict(
        name=name, id=guid("sign-in " + name, "00"), who=who, day=DAYS[day], clock=clock,
        fraction=number("fraction " + name, 9_999_999) + 1, ip=person[1] if ip is None else ip,
        code=code, text=text, app=app, client=client, agent=agent or person[2], category=category,
        cause=cause, password=password, reason=REASONS[text] if code == 50053 else None, **more))


def seconds(clock):
    h, m, s = clock.split(":")
    return int(h) * 3600 + int(m) * 60 + int(s)


def ordinary_days():
    """What honest people do: the history that tells a familiar network from a strange one."""
    for day in DAYS:
        for n, who in enumerate(PEOPLE):
            if who in ("lucia", "orders"):
                continue
            key = f"{day} {who}"
            home = 6 * 3600 + 40 * 60 + number("home " + key, 30 * 60)
            sign_in(f"ordinary {key} home", who, day, home, app=(HOME, EXCHANGE, TEAMS)[n % 3])
            desk = 8 * 3600 + number("desk " + key, 45 * 60)
            if who == "carys" and day == "wed":
                continue  # works from home that day, and has forgotten her password
            if number("typo " + key, 9) == 0:
                sign_in(f"typo {key}", who, day, desk - 25, ip=OFFICE, code=50126)
            sign_in(f"ordinary {key} desk", who, day, desk, ip=OFFICE, app=(TEAMS, HOME, EXCHANGE)[n % 3])
            noon = 12 * 3600 + number("noon " + key, 40 * 60)
            if number("lunch " + key, 5) < 2:
                sign_in(f"ordinary {key} noon", who, day, noon, ip=OFFICE, app=EXCHANGE, client=RICH)
            if number("late " + key, 7) == 0:
                sign_in(f"mfa {key}", who, day, 19 * 3600 + number("mfa " + key, 3000), code=50076)
                sign_in(f"ordinary {key} late", who, day, 20 * 3600 + number("late at " + key, 1500))
        sign_in(f"guest {day}", "lucia", day, 10 * 3600 + number("guest " + day, 3000), app=TEAMS)
        sign_in(f"orders {day}", "orders", day, 5 * 3600 + number("orders " + day, 900),
                app=EXCHANGE, client=IMAP, agent=(None, None, None))
        sign_in(f"vpn {day}", "dilip", day, 16 * 3600 + number("vpn " + day, 3000), ip=VPN, app=PORTAL)
    sign_in("kmsi", "ada", "mon", "10:15:02", ip=OFFICE, code=50140)
    sign_in("formula", "moss", "wed", "11:40:09", ip=OFFICE, app=TRAP)
    # 500532 is another code. It carries the text of a lockout all the same, and must not be counted.
    sign_in("500532", "gwen", "wed", "10:02:31", code=500532)


def other_categories():
    """A few sign-ins of the other logs."""
    for n, (who, day, clock) in enumerate([
            ("ada", "mon", "09:41:00"), ("farah", "mon", "11:12:00"), ("jonas", "mon", "15:31:00"),
            ("gwen", "tue", "09:50:00"), ("ines", "tue", "10:31:00"), ("moss", "tue", "16:10:00"),
            ("kamala", "wed", "09:22:00"), ("hamish", "wed", "14:02:00"), ("bruno", "wed", "15:45:00")]):
        sign_in(f"token {n}", who, day, clock, ip=OFFICE, app=TEAMS, client=RICH, category="non_interactive")
    # This one says 50053 and not a word more.
    sign_in("wordless", "kamala", "tue", "19:40:12", code=50053, app=EXCHANGE, client=RICH,
            category="non_interactive", cause="insufficient_data")
    for n, (day, clock, code) in enumerate([("mon", "02:00:10", 0), ("tue", "02:00:11", 0),
                                            ("wed", "02:00:09", 7000222), ("wed", "02:30:09", 7000222)]):
        sign_in(f"robot {n}", "oven-telemetry", day, clock, ip="192.0.2.150", code=code, app=("Oven telemetry", guid("app oven")),
                client=None, agent=(None, None, None), category="service_principal")
    for n, day in enumerate(DAYS):
        sign_in(f"identity {n}", "stock-function", day, "04:15:30", ip="", app=("Stock function", guid("app stock")),
                client=None, agent=(None, None, None), category="managed_identity")
    for n, (who, day, clock, code) in enumerate([("moss", "mon", "13:01:00", 0), ("carys", "tue", "13:05:00", 0),
                                                 ("jonas", "tue", "13:20:00", 50126), ("jonas", "tue", "13:20:40", 0)]):
        sign_in(f"adfs {n}", who, day, clock, ip=OFFICE, code=code, app=("Bakery intranet", guid("app intranet")),
                category="adfs")


def password_spray():
    """Monday evening: one address tries three passwords on nine accounts; Hamish's is right."""
    victims = ["ada", "bruno", "carys", "farah", "gwen", "hamish", "ines", "jonas", "moss"]
    for turn, start in enumerate(("21:10:00", "21:18:00", "21:26:00")):
        for n, who in enumerate(victims):
            code, text = 50126, None
            if turn == 2 and who == "hamish":
                code = 50074
            elif turn == 2 and who in ("bruno", "farah", "ines", "moss"):
                code, text = 50053, LOCKED_CURLY if who == "farah" else LOCKED
            sign_in(f"spray {turn} {who}", who, "mon", seconds(start) + n * 11, ip="203.0.113.7",
                    code=code, text=text, agent=OLD_IE, cause="password_spray")
    sign_in("spray in", "hamish", "mon", "21:33:40", ip="203.0.113.7", agent=OLD_IE, cause="password_spray")


def brute_force():
    """Tuesday night: seventeen passwords in thirty seconds on the administrator, then the lock."""
    start = seconds("02:14:00")
    for n in range(17):
        sign_in(f"brute {n}", "dilip", "tue", start + n * 30 // 16, ip="203.0.113.200", code=50126,
                app=CLI, client=RICH, agent=REQUESTS, cause="brute_force")
    for n, after in enumerate((32, 36, 41, 47, 60)):
        sign_in(f"brute locked {n}", "dilip", "tue", start + after, ip="203.0.113.200", code=50053,
                text=LOCKED, app=CLI, client=RICH, agent=REQUESTS, cause="brute_force")


def distributed_brute_force():
    """Tuesday morning: the finance director's account, from eight addresses in four countries."""
    start = seconds("11:05:00")
    for n in range(24):
        locked = n >= 14
        sign_in(f"finance {n}", "bruno", "tue", start + n * 58 + number(f"finance {n}", 20),
                ip=FINANCE_IPS[n % 8], code=50053 if locked else 50126, text=LOCKED if locked else None,
                app=EXCHANGE, agent=(REQUESTS, EDGE)[n % 2], cause="distributed_brute_force")


def forgotten_password():
    """Wednesday morning: Carys, at home, in her usual browser."""
    start = seconds("08:31:12")
    for n, after in enumerate((0, 48, 131, 190, 322, 405, 560)):
        sign_in(f"forgot {n}", "carys", "wed", start + after, code=50126, cause="forgotten_password")
    for n, after in enumerate((655, 890)):
        sign_in(f"forgot locked {n}", "carys", "wed", start + after, code=50053, text=LOCKED, cause="forgotten_password")
    sign_in("forgot in", "carys", "wed", "09:05:44", cause="forgotten_password")


def stale_credential():
    """Elin has changed her password on Monday at 07:15; the mail app of her phone has not."""
    for n in range(21):
        at = seconds("07:40:00") + n * 3 * 3600 + number(f"phone {n}", 480) - 240
        sign_in(f"phone {n}", "elin", list(DAYS)[at // 86400], at % 86400, code=50126 if n < 3 else 50053,
                text=None if n < 3 else LOCKED, app=EXCHANGE, client=EAS, agent=PHONE_MAIL,
                cause="stale_credential")


def flagged_egress():
    """Tuesday 14:20 to 15:00: the office's own address has a bad name, and six people can't work."""
    tries = {"ada": 3, "farah": 3, "gwen": 2, "ines": 4, "jonas": 2, "kamala": 3}
    for n, (who, count) in enumerate(tries.items()):
        for k in range(count):
            # Microsoft blocks whatever the password is, but a step may still say that it was right.
            sign_in(f"egress {who} {k}", who, "tue", seconds("14:20:20") + n * 70 + k * 610, ip=OFFICE, code=50053,
                    text=MALICIOUS, app=(TEAMS, HOME)[n % 2], cause="flagged_egress",
                    password=True if (who, k) in (("ada", 0), ("ines", 3)) else None)
        sign_in(f"egress after {who}", who, "tue", seconds("15:06:00") + n * 95, ip=OFFICE, app=(TEAMS, HOME)[n % 2])


def blocked_attack():
    """Wednesday night: five accounts from an address that Microsoft refuses outright."""
    for n, who in enumerate(["ada", "dilip", "gwen", "kamala", "moss", "ada", "dilip"]):
        sign_in(f"blocked {n}", who, "wed", seconds("04:40:00") + n * 37, ip="203.0.113.66", code=50053,
                text=MALICIOUS_STOP if n % 2 else MALICIOUS, app=PORTAL, agent=ANSI if n == 3 else REQUESTS,
                cause="blocked_attack")


def high_risk():
    """The order printer of the Bath shop reads its mailbox by IMAP, and is refused twice."""
    for n, clock in enumerate(("17:02:11", "17:32:14")):
        sign_in(f"printer {n}", "orders", "tue", clock, code=50053, text=HIGH_RISK, app=EXCHANGE, client=IMAP,
                agent=(None, None, None), cause="high_risk_block")


def distributed_spray():
    """Wednesday 13:00: fourteen addresses, two tries each, one rare user agent, thirteen names."""
    names = ["ada", "bruno", "carys", "dilip", "farah", "gwen", "ines", "jonas", "kamala", "moss",
             "head.baker", "accounts", "lucia"]
    for n in range(28):
        who = names[n % 13]
        code, text = 50126, None
        if who in ("head.baker", "accounts"):
            code = 50034
        elif n % 7 in (2, 5):
            code, text = 50053, MALICIOUS
        elif n % 7 == 3:
            code, text = 50053, LOCKED
        sign_in(f"rotating {n}", who, "wed", seconds("13:00:03") + n * 29, ip=ROTATING_IPS[(n * 5 + n // 14) % 14], code=code,
                text=text, app=CLI, client=RICH, agent=FASTHTTP, cause="distributed_spray")


def alone():
    """One refusal whose text names both reasons: nobody can tell which it was."""
    sign_in("alone", "ines", "wed", "17:20:38", ip="192.0.2.230", code=50053, text=TWO_REASONS,
            app=EXCHANGE, client=RICH, cause="insufficient_data")


def tell():
    """All sign-ins, oldest first."""
    EVENTS.clear()
    for chapter in (ordinary_days, other_categories, password_spray, brute_force, distributed_brute_force,
                    forgotten_password, stale_credential, flagged_egress, blocked_attack, high_risk,
                    distributed_spray, alone):
        chapter()
    return sorted(EVENTS, key=lambda e: (e["day"], e["clock"], e["fraction"]))
