import { call, type Answer, type Reports } from './api';
import { pets } from './pets';
import { Session, type Refreshed } from './session';
import { settings, type Settings } from './settings';
import { shelf, type Ask } from './shelf';
import { byId, claims, element, keyOf } from './view';
import { meaning } from './words';

/** As many lines as the page remembers. */
const MOST_LINES = 50;
/** The claims that the stories are about. */
const TOLD = ['iss', 'aud', 'sub', 'scope', 'email', 'https://pets.example.com/connection'];

const REFRESHED: Record<Refreshed, string> = {
  refreshed: 'The provider gave a new token for the refresh token.',
  ended: 'The provider refused the refresh token. Sign in again.',
  unreachable: 'The provider cannot be reached. You stay signed in: try again later.',
  impossible: 'There is no refresh token.',
};

function line(text: string, kind: string): void {
  const time = new Date().toLocaleTimeString([], { hour12: false });
  const lines = byId('lines');
  lines.prepend(element('li', { class: kind }, element('time', {}, time), ' ', element('span', {}, text)));
  while (lines.children.length > MOST_LINES) lines.lastElementChild?.remove();
  byId('quiet').hidden = true;
}

const reports: Reports = {
  refreshed(outcome) {
    line(REFRESHED[outcome], outcome === 'refreshed' ? 'good' : 'trouble');
    notice(outcome === 'refreshed' ? '' : REFRESHED[outcome]);
  },
  answered(method: string, path: string, answer: Answer) {
    const { kind, title } = meaning(answer);
    line(`${method} ${path.split('?')[0]} – ${answer.status || 'no answer'}, ${title.toLowerCase()}`, kind);
  },
};

function notice(text: string): void {
  byId('notice').textContent = text;
}

/** What went wrong at the provider, in words. */
function fault(error: unknown): string {
  // A `fetch` without an answer is a TypeError; what the library makes of an answer has a code.
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof TypeError && code === undefined) return 'The provider cannot be reached. Try again later.';
  if (code === 'OAUTH_RESPONSE_IS_NOT_CONFORM') return 'The provider does not answer as it should. Try again later.';
  const said = error instanceof Error && 'error_description' in error ? error.error_description : undefined;
  return `The sign-in did not succeed. ${said ?? (error instanceof Error ? error.message : '')}`.trim();
}

function shownSession(session: Session): void {
  const { token, name } = session;
  byId('who').textContent = name ?? 'Not signed in';
  document.body.classList.toggle('signed-in', token !== undefined);
  byId('sign-in').textContent = token ? 'Switch user' : 'Sign in';
  byId('sign-out').hidden = token === undefined;
  byId('token').hidden = token === undefined;
  byId('no-token').hidden = token !== undefined;
  byId<HTMLButtonElement>('refresh').disabled = !session.canRefresh;
  const facts = token ? Object.entries(claims(token)).filter(([name]) => TOLD.includes(name)) : [];
  const key = token ? keyOf(token) : '';
  byId('claims').replaceChildren(
    ...[...facts, ...(key ? [['signed by', key]] : [])].flatMap(([name, value]) => [
      element('dt', {}, String(name).split('/').at(-1) ?? ''),
      element('dd', {}, typeof value === 'string' ? value : JSON.stringify(value)),
    ]),
  );
}

/** How long the token is valid. */
function shownTime(session: Session): void {
  const left = session.expires === undefined ? undefined : Math.ceil((session.expires - Date.now()) / 1000);
  const clock = byId('left');
  clock.classList.toggle('over', left !== undefined && left <= 0);
  if (left === undefined) clock.textContent = session.token ? 'valid as long as the provider says' : '';
  else clock.textContent = left > 0 ? `valid for ${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}` : 'expired';
}

async function started(): Promise<void> {
  let found: Settings;
  try {
    found = await settings();
  } catch (error) {
    notice(error instanceof Error ? error.message : 'settings.json cannot be read');
    return;
  }
  const stories: { clear(): void }[] = [];
  let name: string | undefined;
  const session: Session = new Session(found, () => {
    shownSession(session);
    shownTime(session);
    // What one user saw is not the next one's.
    if (session.name !== name) stories.forEach((story) => story.clear());
    name = session.name;
  });
  const asking = (api: string): Ask => (method, path, body) => call(session, reports, api.replace(/\/$/, ''), method, path, body);
  for (const [id, api, story] of [['story-movies', found.apis.movies, shelf], ['story-pets', found.apis.pets, pets]] as const) {
    byId(id).hidden = !api;
    if (api) stories.push(story(asking(api)));
  }
  if (found.inspector) {
    byId<HTMLAnchorElement>('inspector').href = found.inspector;
    byId('inspect').hidden = false;
  }
  byId('sign-in').addEventListener('click', async () => {
    notice('');
    try {
      await session.signIn();
    } catch (error) {
      notice(fault(error));
      line('The sign-in could not begin.', 'trouble');
    }
  });
  byId('sign-out').addEventListener('click', () => {
    session.signOut();
    line('Signed out.', 'good');
    byId('sign-in').focus();
  });
  byId('refresh').addEventListener('click', async () => reports.refreshed(await session.refresh()));
  byId<HTMLInputElement>('automatic').addEventListener('change', (event) => {
    session.automatic = (event.target as HTMLInputElement).checked;
  });
  setInterval(() => shownTime(session), 500);
  shownSession(session);
  try {
    if (await session.cameBack()) line(`Signed in as ${session.name}.`, 'good');
  } catch (error) {
    notice(fault(error));
    line('The sign-in did not succeed.', 'trouble');
  }
  document.body.dataset['ready'] = 'true';
}

void started();
