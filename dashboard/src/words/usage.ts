// What the usage card and its screen say.
import { say } from ".";
import { CARD } from "./card";

say({
  en: {
    card: {
      ...CARD.en.both,
      leftOf: "Left of {{payer}}",
      percentOf: "{{percent}} % of {{payer}} used",
      turns_one: "About {{count, number}} more turn.",
      turns_other: "About {{count, number}} more turns.",
      stateOf: {
        warning: "{{payer}} has nearly used up its credit. Ask whoever runs it for more.",
        critical: "{{payer}} has almost nothing left. Ask whoever runs it for more now.",
        blocked: "{{payer}} has used up its credit. Calls are refused until it gets more.",
      },
      shut: {
        suspended: "This account is suspended: calls are refused. Ask whoever runs this service.",
        closed: "This account is closed: calls are refused.",
      },
    },
    usage: {
      origins: "Where your credit comes from",
      origin: { free: "Free", bought: "Bought", bonus: "Bonus" },
      payer: "{{payer}} pays for your calls.",
      ofYours: "You used {{used}} in this period.",
      way: "Your place: {{way}}",
      held: "Set aside for open calls",
      heldLead: "What is not used of it comes back when they end.",
      debt: "Open overdraft",
      debtLead: "The next credit pays it first.",
      forecast: {
        title: "How long it lasts",
        perDay: "{{amount}} a day, on average of the last week; {{today}} today",
        unknown: "That cannot be told yet: there is no full day of use to go by.",
        gone: "Nothing is left.",
        year: "At this pace it lasts for more than a year.",
        until: "Lasts until about {{at}}",
        between: "most likely between {{earliest}} and {{latest}}",
        earliest: "most likely not before {{earliest}}",
        renewal: "It lasts until it renews on {{at}}.",
        beforeRenewal: "That is before it renews on {{at}}.",
      },
      lately: "Used in the last 30 days, by model",
      none: "Nothing was used in the last 30 days.",
    },
  },
  ko: {
    card: {
      ...CARD.ko.both,
      leftOf: "{{payer}}의 남은 양",
      percentOf: "{{payer}} 전체의 {{percent}}% 사용",
      turns_one: "앞으로 약 {{count, number}}번 더 대화할 수 있습니다.",
      turns_other: "앞으로 약 {{count, number}}번 더 대화할 수 있습니다.",
      stateOf: {
        warning: "{{payer}}의 크레딧이 얼마 남지 않았습니다. 담당자에게 추가를 요청하세요.",
        critical: "{{payer}}의 크레딧이 거의 소진되었습니다. 지금 담당자에게 추가를 요청하세요.",
        blocked: "{{payer}}의 크레딧을 모두 사용했습니다. 추가될 때까지 사용할 수 없습니다.",
      },
      shut: {
        suspended: "이 계정은 정지되어 사용할 수 없습니다. 서비스 담당자에게 문의하세요.",
        closed: "이 계정은 해지되어 사용할 수 없습니다.",
      },
    },
    usage: {
      origins: "크레딧 구성",
      origin: { free: "무료", bought: "구매", bonus: "보너스" },
      payer: "비용은 {{payer}}에서 부담합니다.",
      ofYours: "이번 기간에 내가 사용한 양은 {{used}}입니다.",
      way: "소속: {{way}}",
      held: "진행 중인 호출에 예약된 양",
      heldLead: "호출이 끝나면 쓰지 않은 만큼 돌아옵니다.",
      debt: "초과 사용",
      debtLead: "다음에 받는 크레딧에서 먼저 차감됩니다.",
      forecast: {
        title: "예상 소진 시점",
        perDay: "최근 일주일 하루 평균 {{amount}} · 오늘 {{today}}",
        unknown: "하루를 온전히 사용한 기록이 없어 아직 예측할 수 없습니다.",
        gone: "남은 양이 없습니다.",
        year: "지금 속도라면 1년 넘게 쓸 수 있습니다.",
        until: "{{at}}쯤까지 쓸 수 있습니다",
        between: "{{earliest}}~{{latest}} 사이일 가능성이 높습니다",
        earliest: "{{earliest}} 이후일 가능성이 높습니다",
        renewal: "{{at}} 갱신 전까지 충분합니다.",
        beforeRenewal: "{{at}} 갱신 전에 소진될 것으로 보입니다.",
      },
      lately: "최근 30일 모델별 사용량",
      none: "최근 30일 동안 사용하지 않았습니다.",
    },
  },
});
