using System.Collections.Frozen;

namespace MailEngine.Accounts;

/// <summary>What guessing programs try first, in lower case; digits and signs at the end are cut off before the second look.</summary>
static class WorstPasswords
{
    static readonly FrozenSet<string> s_words = """
        password passw0rd p@ssw0rd p@ssword pa55word passwort passord motdepasse contraseña contrasena senha wachtwoord parola haslo heslo
        passwordpassword password1234 mypassword yourpassword newpassword oldpassword defaultpassword temppassword temporary changeme
        changemenow changethis letmein letmeinnow welcome welcomeback willkommen bienvenue bienvenido administrator admin adminadmin
        administrateur administrador rootroot root toor superuser supervisor postmaster webmaster hostmaster mailadmin mailserver
        test testtest testing testuser guest guestguest demo demodemo default user username useruser login loginlogin secret secretsecret
        topsecret master masterkey monkey dragon sunshine princess football baseball basketball superman batman spiderman starwars
        pokemon iloveyou iloveyoubaby trustno1 whatever hello helloworld hellohello computer internet internetexplorer microsoft windows
        google facebook linkedin twitter instagram samsung iphone android apple minecraft fortnite liverpool chelsea arsenal barcelona
        realmadrid manchester juventus michael jennifer jessica charlie michelle christopher alexander elizabeth samantha
        qwerty qwertyuiop qwertyqwerty qwertzuiop qwertz azertyuiop azerty asdfghjkl asdfasdf asdfghjkl; zxcvbnm zxcvbnm,./ qazwsx
        qazwsxedc 1qaz2wsx 1qaz2wsx3edc 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qazxsw2 zaq12wsx q1w2e3r4 q1w2e3r4t5 qweasdzxc qweasd qwe123qwe
        qwer1234 qwerty12345 asdf1234 abcd1234 abc123 abc123abc abcabc abcdef abcdefg abc123456 a123456789 aa12345678 a1b2c3d4e5
        1234567890 123456789a 12345678910 0123456789 0987654321 9876543210 123123123 1231231234 123321123 123456123456 1234512345
        112233445566 11223344 1122334455 147258369 159753 987654321 741852963 789456123 123qweasd 123qweasdzxc 123abc456
        summer winter spring autumn summer2024 winter2024 summer2025 winter2025 summer2026 january february september october november
        december monday tuesday wednesday thursday friday saturday sunday company business office support service manager
        shadow killer jordan harley ranger buster soccer hockey tigger hunter freedom forever blessed success family flower flowers
        chocolate cheese pepper ginger cookie butterfly rainbow diamond lovely beautiful sweetheart loveyou lovelove iloveu myself
        correcthorsebatterystaple correct horse battery staple thisisapassword thisismypassword ihatepasswords nopassword
        """.Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToFrozenSet(StringComparer.Ordinal);

    public static IReadOnlyCollection<string> All => s_words;

    public static bool Contains(string lowerCase) => s_words.Contains(lowerCase);
}
