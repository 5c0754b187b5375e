"""Events of every kind that people and programs might send, from a seed."""
import random

WORDS = {
    "Latin": "Deployment of the service failed after two minutes in staging",
    "Greek": "Η ανάπτυξη της εφαρμογής απέτυχε μετά από λίγο",
    "Cyrillic": "Развёртывание приложения завершилось с ошибкой",
    "Vietnamese": "Việc triển khai ứng dụng đã thất bại",
    "Arabic": "فشل نشر التطبيق بعد دقيقتين في البيئة التجريبية",
    "Hebrew": "פריסת היישום נכשלה לאחר שתי דקות",
    "Hindi": "एप्लिकेशन का परिनियोजन विफल रहा क्षत्रिय",
    "Tamil": "பயன்பாட்டின் நிறுவல் தோல்வியடைந்தது",
    "Thai": "การปรับใช้แอปพลิเคชันล้มเหลว",
    "Chinese": "应用程序部署失败请检查日志",
    "Japanese": "アプリケーションのデプロイに失敗しました",
    "Korean": "애플리케이션 배포에 실패했습니다",
}
EMOJI = ["🎉", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "1️⃣", "🧑🏿‍🚒",
         "❤️‍🔥", "😀"]
ODD = ["e\u0301\u0323\u0308", "Z\u0336\u0321\u0352\u035d",
       "\u202eright to left\u202c",
       "\u2066isolate\u2069", "\u200d", "\u200b\u200b", "\ufeff", "\u00a0",
       "\u2028", "\ufffd", "\U0001f469\u200d", "ﷺ", "\U00020000", "\u007f"]
MENTIONS = ["<!channel>", "<!here|here>", "<!everyone>", "<@U024BE7LH>",
            "<#C024BE7LR|general>", "<!subteam^S123>", "<!date^0^{date}|x>",
            "@everyone", "@here", "@channel", "<@80351110224678912>",
            "<@&165511591545143296>", "<#103735883630395392>", "<@!123>",
            "</deploy:1>", "<t:1618953630:R>", "<:e:41771983429993937>",
            "&lt;!channel&gt;", "&amp;lt;!channel&amp;gt;",
            "&#60;!here&#62;", "@\u200beveryone", "#general"]
FORMATS = ["*bold*", "_it_", "~gone~", "`code`", "```", "**b**", "__u__",
           "~~s~~", "||spoiler||", "> quote", ">>> all", "# head", "-# small",
           "- item", "1. one", "[label](https://evil.example/)",
           "<https://evil.example/|bank.example>", "\\", "\\\\*", "a_b_c",
           "x*y*z", ":tada:", "https://example.com/a_b_(c)?d=*e*&f=g"]
TAGS = ["p", "b", "strong", "i", "em", "s", "del", "code", "pre", "a", "ul",
        "ol", "li", "blockquote", "table", "tr", "td", "th", "h1", "h3",
        "div", "span", "br", "hr", "img", "script", "style", "title",
        "svg", "template", "select", "option", "frameset", "plaintext",
        "textarea", "marquee", "x-own"]
ATTRIBUTES = ["", ' href="https://example.com/?a=1&b=2"',
              ' href="javascript:alert(1)"', ' href=//evil.example',
              ' href="http://a|b>c"', ' src="https://example.com/i.png"'
              ' alt="an image"', " style='display:none'", ' href="mailto:a@b"',
              ' <b', ' a=b c="d', ' href="data:text/html,x"']
BROKEN = ["<", "</", "<!", "<!--", "-->", "<![CDATA[x]]>", "<?x?>", "&#0;",
          "&#1114112;", "&bogus;", "&amp", "&#x1F600;", "&#xd800;", "<p",
          "</p></p>", "<b><i></b></i>", "<table><p>", "<li><td>", "<a><a>",
          "\x00".replace("\x00", "\\"), "]]>", "<!DOCTYPE html>", "</body>"]
TYPES = ["deploy_started", "deploy_succeeded", "deploy_failed",
         "monitoring_ssl_expiring", "monitoring_uptime_down",
         "incident_created", "security_ip_conflict"]
KNOWN = ["application_name", "deployment_id", "error", "url", "environment"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def word(self):
        kind = self.random.random()
        pool = (WORDS[self.random.choice(list(WORDS))].split()
                if kind < 0.6 else EMOJI if kind < 0.75 else ODD
                if kind < 0.82 else MENTIONS if kind < 0.9 else FORMATS)
        return self.random.choice(pool)

    def text(self, most):
        """Some words, of one language or of many; now and then very many."""
        count = self.random.choice([1, 3, 8, 8, 20, 60, most])
        if self.random.random() < 0.1:
            # Without a blank to be cut at.
            return self.word() * count
        return self.random.choice([" ", " ", "\n", "  ", "\t"]).join(
            self.word() for _ in range(count))

    def html(self):
        if self.random.random() < 0.1:
            return ""
        parts = []
        for _ in range(self.random.choice([1, 5, 20, 60])):
            tag = self.random.choice(TAGS)
            parts.append(self.random.choice([
                f"<{tag}{self.random.choice(ATTRIBUTES)}>", f"</{tag}>",
                self.text(400), self.text(20),
                self.random.choice(BROKEN)]))
        if self.random.random() < 0.1:
            tag = self.random.choice(["div", "b", "ul><li", "blockquote",
                                      "table><tr><td"])
            parts.insert(0, f"<{tag}>" * self.random.choice([10, 90, 500]))
        return "".join(parts)

    def value(self, depth):
        kind = self.random.random()
        if depth > 0 and kind < 0.3:
            return {self.text(2): self.value(depth - 1)
                    for _ in range(self.random.randrange(4))}
        if depth > 0 and kind < 0.4:
            return [self.value(depth - 1)
                    for _ in range(self.random.randrange(5))]
        return self.random.choice([
            self.text(300), self.text(5), "", " ", "\u200b", None, True,
            12345678901234567890123, -0.5, 1e300,
            "dep-" + format(self.random.getrandbits(64), "x")])

    def deep(self):
        value = "bottom"
        for _ in range(100):
            value = [value] if self.random.random() < 0.5 else {"k": value}
        return value

    def metadata(self):
        found = {self.random.choice([self.text(3), *KNOWN]): self.value(3)
                 for _ in range(self.random.choice([0, 1, 3, 9, 10, 11, 24,
                                                    25, 26, 40]))}
        if self.random.random() < 0.05:
            found["deep"] = self.deep()
        if self.random.random() < 0.02:
            found.update({f"key{n}": n for n in range(2000)})
        return found

    def event(self, number):
        """An event; mark(number) is a word of its body that is to be seen."""
        return {
            "event": self.random.choice(TYPES),
            "subject": self.random.choice([
                self.text(30), self.text(400), "", " ", "\u200b\u2028", "&" *
                200, "*" * 300, "😀" * 200]),
            "body": f"<p>{mark(number)} {self.html()}",
            "metadata": self.metadata(),
            "tenant_id": self.random.choice(["acme", "t" * 64]),
            "timestamp": self.random.choice([
                "2026-04-10T15:30:45.123456+00:00", "1969-12-31T23:59:59Z",
                "2038-01-19T03:14:08.000001+14:00"]),
        }


def mark(number):
    return f"mark{number}end"


def generate(count, seed):
    generator = Generator(seed)
    return [generator.event(number) for number in range(count)]
